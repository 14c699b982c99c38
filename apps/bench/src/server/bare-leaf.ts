/** A process without processes below it: as little as Node runs. It says that it runs, and stays. */
import { writeSync } from 'node:fs';

const STAYS_MS = 60_000;

writeSync(1, '.');
setTimeout(() => {}, STAYS_MS);
