export { everyKindOfBytes, NO_BYTES } from './bytes.js';
export { Authority, type Identity } from './certificates.js';
export { TestClient } from './client.js';
export { DEADLINE_MS, Hopeless, until, within } from './deadline.js';
export {
  type KillLoopOptions,
  type KillLoopResult,
  killLoop,
  playRole,
  type Role,
} from './kill-loop.js';
export { type Leavings, leaks, leavings } from './leaks.js';
export { echoLoad, type LoadOptions, type LoadResult } from './load.js';
export { asOtherUser, canBeOthers, LISTEN, OTHER_USER } from './other-user.js';
export {
  descendants,
  isRunning,
  openDescriptors,
  type ProcessInfo,
  processInfo,
} from './processes.js';
export { Program, type ProgramOptions } from './program.js';
export { openMetricsComplaints, promtoolComplaints, whyNoPromtool } from './promtool.js';
export {
  ANSWER,
  datagramOf,
  firstRings,
  publish,
  RING_WORDS,
  randomDatagram,
  randomNumbers,
  randomWords,
  scribbleTaskRings,
  TASK,
  taskNonsense,
} from './scribbles.js';
export { fillDisk, onSmallDisk, whyNoSmallDisk } from './small-disk.js';
