import { constants } from 'node:os';
import { onSignal } from '@millrace/process-pool/process';

/**
 * Signals that terminals, service managers and operators send to all processes of a group, or of a service, at once. The
 * master acts on them. SIGTERM to one process alone is an order as well, which the master tells apart: see `onTermination`.
 */
const OF_THE_MASTER = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2', 'SIGWINCH'] as const;

/** SIGTERM has come before this process knew what it is. */
let early = false;
/** SIGTERM has come, or the program was told as if it had. */
let wasTerminated = false;
/** Listeners that are the server's own. */
const own = new Set<unknown>();

/** Leaves those signals to the master; for every other process. */
export function leaveSignalsToMaster(): void {
  const ignore = () => {};
  const remember = () => {
    early = wasTerminated = true;
  };
  own.add(remember);
  for (const signal of OF_THE_MASTER) process.on(signal, ignore);
  process.on('SIGTERM', remember);
}

/**
 * Ends this process as SIGTERM would have, after its handlers of `exit`: of a process that was not ready yet the parent
 * would take any code for a failure, of its module or of the version that a reload brings.
 */
export function exitBySigterm(): void {
  process.on('exit', () => {
    process.removeAllListeners('SIGTERM');
    process.kill(process.pid, 'SIGTERM');
  });
  process.exit();
}

/**
 * In the manager and the processes below it: calls `ask` when SIGTERM has come, once. The process goes on as before: if
 * the master has had the signal as well, the whole server ends, in its own order; if not, `ask` gets an answer.
 */
export function onTermination(ask: () => void): void {
  let asked = false;
  const askOnce = () => {
    wasTerminated = true;
    if (asked) return;
    asked = true;
    ask();
  };
  own.add(askOnce);
  onSignal('SIGTERM', askOnce);
  if (early) askOnce();
}

/**
 * Calls what the program has registered for SIGTERM, as if that had come; once in a process, whether it has come or not. The process
 * goes on. Returns whether there is anything.
 */
export function terminateProgram(): boolean {
  const listeners = process.rawListeners('SIGTERM').filter((listener) => !own.has(listener));
  if (!wasTerminated)
    for (const listener of listeners) listener.call(process, 'SIGTERM', constants.signals.SIGTERM);
  wasTerminated = true;
  return listeners.length > 0;
}
