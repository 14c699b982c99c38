import { constants } from 'node:os';
import { onSignal } from '@millrace/process-pool/process';

/**
 * Signals that terminals, service managers and operators send to all processes of a group, or of a service, at once. The
 * master acts on them. SIGTERM to one process alone is an order as well, which the master tells apart: see `onTermination`.
 */
const OF_THE_MASTER = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2', 'SIGWINCH'] as const;

/** SIGTERM has come before this process knew what it is. */
let early = false;
/** The program has heard of SIGTERM: by the signal, or as if it had come. */
let wasTold = false;
/** The program hears of it by `terminateProgram` alone. */
let isHeld = false;
/** Listeners that are the server's own. */
const own = new Set<unknown>();

/** Leaves those signals to the master; for every other process. */
export function leaveSignalsToMaster(): void {
  const ignore = () => {};
  const remember = () => {
    early = true;
    wasTold ||= !isHeld;
  };
  own.add(remember);
  for (const signal of OF_THE_MASTER) process.on(signal, ignore);
  // For each signal Node keeps the `emit` that the process has when the first listener comes; what a program emits is not a signal.
  const { emit } = process;
  process.emit = ((event: string, ...rest: unknown[]) => {
    if (event !== 'SIGTERM' || !isHeld) return Reflect.apply(emit, process, [event, ...rest]);
    for (const listener of process.rawListeners(event))
      if (own.has(listener)) Reflect.apply(listener, process, rest);
    return true;
  }) as unknown as typeof emit;
  process.on('SIGTERM', remember);
  process.emit = emit;
}

/**
 * For a program that is run unchanged: who signals a whole group, or a service manager that ends one, reaches it as well, and most
 * programs close or exit then. It is to answer what it has in hand first: it hears of SIGTERM by `terminateProgram`.
 */
export function holdTermination(): void {
  isHeld = true;
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
    wasTold ||= !isHeld;
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
  if (!wasTold)
    for (const listener of listeners) listener.call(process, 'SIGTERM', constants.signals.SIGTERM);
  wasTold = true;
  return listeners.length > 0;
}
