import { fork } from './fork.js';
import { pipe, ring } from './ours.js';
import { posixQueue, systemVQueue } from './queues.js';
import type { Mechanism } from './side.js';
import { unixSocket } from './unix-socket.js';
import { workerThread } from './worker-thread.js';
import { zeromq } from './zeromq.js';

/** Everything that is measured, by the name that the processes are given. */
export const mechanisms = {
  pipe,
  ring,
  'POSIX queue': posixQueue,
  'System V queue': systemVQueue,
  'fork json': fork('json'),
  'fork advanced': fork('advanced'),
  'worker thread': workerThread,
  'unix socket': unixSocket,
  zeromq,
} satisfies Record<string, Mechanism>;

export type MechanismName = keyof typeof mechanisms;
