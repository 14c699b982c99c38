/** One kind of memory, one operation, in a process of its own: prints nanoseconds per operation. */
import { Segment } from '@millrace/shared-memory';

const BYTES = 1 << 20;
const WORDS = BYTES / 4;
const PIECE = 4096;
const NS_PER_MS = 1e6;
const ROUNDS = 20;

const [kind, operation] = process.argv.slice(2);
const segment = Segment.anonymous({ size: BYTES });
const buffer = kind === 'segment' ? segment.buffer : new SharedArrayBuffer(segment.byteOffset + BYTES);
const words = new Int32Array(buffer, segment.byteOffset, WORDS);
const bytes = new Uint8Array(buffer, segment.byteOffset, BYTES);
const source = new Uint8Array(PIECE).fill(1);

/** Each goes once over the memory; returns how many operations that were. */
const operations: Record<string, () => number> = {
  'read a word': () => {
    let sum = 0;
    for (let i = 0; i < WORDS; i++) sum = (sum + (words[i] as number)) | 0;
    // Used, so that the loop is not taken away.
    if (sum === 1) console.error('The memory is not what was written.');
    return WORDS;
  },
  'write a word': () => {
    for (let i = 0; i < WORDS; i++) words[i] = 2;
    return WORDS;
  },
  'atomic add': () => {
    for (let i = 0; i < WORDS; i++) Atomics.add(words, i, 2);
    return WORDS;
  },
  'copy 4 KiB': () => {
    for (let at = 0; at < BYTES; at += PIECE) bytes.set(source, at);
    return BYTES / PIECE;
  },
};

const run = operations[operation as string];
if (run === undefined) throw new Error(`There is no operation ${operation}`);
for (let i = 0; i < ROUNDS; i++) run();
const start = performance.now();
let count = 0;
for (let i = 0; i < ROUNDS * 5; i++) count += run();
console.log(JSON.stringify({ nanoseconds: ((performance.now() - start) * NS_PER_MS) / count }));
process.exit();
