/** What processes of a server are called. */

/** What a process is in the server. */
export type RoleName = 'master' | 'manager' | 'worker' | 'taskWorker' | 'userProcess';

/** A process of the server: workers count from 0, task workers go on from there, then user processes. */
export type ProcessId = number | 'manager' | 'master';
