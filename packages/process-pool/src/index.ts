export { ChildProcessContext, inherit } from './child.js';
export { ProcessPoolError, type ProcessPoolErrorCode } from './errors.js';
export { Member, type MemberSpec, type MemberState } from './member.js';
export { ProcessPool, type ProcessPoolEvents, type StopOptions } from './process-pool.js';
export { type Exit, type RestartDecision, type RestartOptions, RestartPolicy } from './restart-policy.js';
