/** Timers alone, without a server: a clock that ticks every tenth of a second, for one second or until Ctrl-C. */
import { TimerHeap } from '@millrace/timer-heap';

const timers = new TimerHeap();
const stop = new AbortController();
process.once('SIGINT', () => stop.abort());

const id = timers.tick(100, (id) => console.log(`timer ${id}, ${timers.info(id)?.execCount} times`));
await timers.sleep(1_050, { signal: stop.signal }).catch(() => console.log('stopped early'));
timers.clear(id);
