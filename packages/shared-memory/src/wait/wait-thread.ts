/**
 * The thread that sleeps for one other: waits on words of memory in the kernel, all at once, and says which was woken.
 *
 * It is sent `[control, id, address, expected]` to wait, and `[control, id]` to wait no more; it answers
 * `[id]` when it was woken or the word is another already, or `[]` once when it can wait and
 * `[-errno]` when it cannot; the id 0 ends all waits. While it has nothing to wait for it sleeps in its event
 * loop; otherwise in `futexWaitAny`, together with a control word: its value changes after each message is posted.
 */
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { EAGAIN, EFAULT, EINTR, ETIMEDOUT, syscalls } from '@millrace/native/syscalls';
import { MAX_WAITS, SLICE_MS } from '../constants.js';

export type WaitMessage =
  | readonly [control: number, id: number]
  | readonly [control: number, id: number, address: number, expected: number];

if (parentPort === null) throw new Error('This module is started as a thread.');
const port = parentPort;

// Place 0 is that of the control word.
const addresses = new Float64Array(MAX_WAITS + 1);
const expected = new Uint32Array(MAX_WAITS + 1);
const ids = new Array<number>(MAX_WAITS + 1).fill(-1);
let count = 1;
addresses[0] = workerData as number;

function remove(place: number): void {
  count--;
  addresses[place] = addresses[count] as number;
  expected[place] = expected[count] as number;
  ids[place] = ids[count] as number;
}

function take([control, id, address, value]: WaitMessage): void {
  expected[0] = control;
  if (id === 0) {
    count = 1;
    return;
  }
  if (address === undefined) {
    const place = ids.indexOf(id, 1);
    if (place >= 1 && place < count) remove(place);
    return;
  }
  addresses[count] = address;
  expected[count] = value as number;
  ids[count++] = id;
}

function report(place: number): void {
  port.postMessage([ids[place]]);
  remove(place);
}

/** Some words are not as expected; the kernel does not say which. */
function reportChanged(): void {
  for (let place = count - 1; place >= 1; place--) {
    const result = syscalls.futexWaitAny(addresses.subarray(place), expected.subarray(place), 1, 0);
    if (result === -ETIMEDOUT || result === -EINTR) continue;
    report(place);
  }
}

/** Sleeps as long as there is something to wait for. The slices let the thread be ended from outside. */
function run(): void {
  while (count > 1) {
    for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port)) {
      take(next.message as WaitMessage);
    }
    if (count === 1) return;
    const result = syscalls.futexWaitAny(addresses, expected, count, SLICE_MS);
    if (result > 0) report(result);
    // The kernel names one that was woken; there may be others.
    if (result >= 0 || result === -EAGAIN || result === -EFAULT) reportChanged();
    else if (result !== -ETIMEDOUT && result !== -EINTR) {
      port.postMessage([result]);
      count = 1;
    }
  }
}

const able = syscalls.futexWaitAny(addresses, expected, 1, 0);
port.postMessage(able === -EAGAIN || able === -ETIMEDOUT ? [] : [able]);
port.on('message', (message: WaitMessage) => {
  take(message);
  run();
});
