/**
 * Copies the addon that this machine has built to where a published package carries it. Run before packing; the other
 * platforms' binaries are put beside it by whoever publishes.
 */
import { cpSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { prebuildOf } from './prebuild.js';

const built = fileURLToPath(new URL('../build/Release/millrace_native.node', import.meta.url));
cpSync(built, prebuildOf(), { force: true });
