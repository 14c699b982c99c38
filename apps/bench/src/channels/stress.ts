/**
 * Numbered messages of changing lengths from one process to another, every byte of which is checked. Arguments: the
 * mechanism, `sender` or `receiver`, how many. The sender prints the figures.
 */
import { once } from 'node:events';
import { bytesCodec } from '@millrace/channel';
import { pipeFromParent, spawnWithPipe } from '@millrace/pipe-ipc';
import { ringFromParent, spawnWithRing } from '@millrace/shared-memory';
import { Generator, MOST_WORDS, wordsOf } from './sequence.js';

const [mechanism, role, countText] = process.argv.slice(2) as ['ring' | 'pipe', string, string];
const count = Number(countText);
/** Messages between two turns of the loop. */
const PER_TURN = 4_096;

if (role === 'sender') {
  const url = new URL('./stress.js', import.meta.url);
  const options = { args: [mechanism, 'receiver', countText], codec: bytesCodec() };
  const channel = mechanism === 'ring' ? spawnWithRing(url, options).ring : spawnWithPipe(url, options).pipe;
  const memory = Buffer.alloc(4 * MOST_WORDS);
  const words = new Int32Array(memory.buffer, memory.byteOffset, MOST_WORDS);
  // One view for each length: a message takes no memory here.
  const views = Array.from({ length: MOST_WORDS + 1 }, (_, length) => memory.subarray(0, 4 * length));
  const generator = new Generator();
  const started = performance.now();
  for (let number = 0; number < count; number++) {
    const length = wordsOf(number);
    words[0] = number;
    for (let i = 1; i < length; i++) words[i] = generator.next();
    if (!channel.send(views[length] as Buffer)) await channel.drained();
    else if (number % PER_TURN === 0) await new Promise(setImmediate);
  }
  channel.flush();
  const report = (await channel.receive())?.toString();
  if (report !== 'right') throw new Error(`The receiver says: ${report}`);
  console.log(JSON.stringify({ rate: count / ((performance.now() - started) / 1_000) }));
  await channel.close();
  process.exit();
} else {
  const options = { codec: bytesCodec({ view: true }) };
  const channel = mechanism === 'ring' ? ringFromParent(options) : pipeFromParent(options);
  const generator = new Generator();
  let number = 0;
  channel.on('message', (view) => {
    const length = wordsOf(number);
    let wrong = view.length !== 4 * length || view.readInt32LE(0) !== number;
    for (let i = 1; i < length && !wrong; i++) wrong = view.readInt32LE(4 * i) !== generator.next();
    if (wrong) channel.send(Buffer.from(`message ${number} is wrong: ${view.toString('hex')}`));
    if (++number === count) channel.send(Buffer.from('right'));
  });
  channel.on('close', () => process.exit());
  await once(process, 'exit');
}
