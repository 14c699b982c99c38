import assert from 'node:assert/strict';
import { TimerHeap } from '@millrace/timer-heap';

const timers = new TimerHeap();
let ticks = 0;
const id = timers.tick(5, () => ticks++);
await timers.sleep(60);
timers.clear(id);
assert.ok(ticks > 0);
assert.equal(timers.exists(id), false);
