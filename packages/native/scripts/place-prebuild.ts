/**
 * Copies the addon that this machine has built to where a published package carries it, beside those of other platforms
 * if `npm run build:all` has made them. Run before packing.
 */
import { cpSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { prebuilds } from '../src/prebuild.js';

const built = fileURLToPath(new URL('../build/Release/millrace_native.node', import.meta.url));
const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } };
const [glibc, musl] = prebuilds();
cpSync(built, header.glibcVersionRuntime === undefined ? musl : glibc);
