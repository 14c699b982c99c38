/** What the master does when it gets a signal. */
export interface SignalActions {
  /** TERM, INT, QUIT. */
  stop(): void;
  /** HUP and USR1: workers and task workers; USR2: task workers alone. */
  reload(tasksOnly: boolean): void;
  /** WINCH, and USR1 as in Swoole: whoever moves the log away may send either. */
  reopenLog(): void;
}

/** Acts on signals to the master, until the returned function is called. */
export function listenToSignals({ stop, reload, reopenLog }: SignalActions): () => void {
  const actions: Partial<Record<NodeJS.Signals, () => void>> = {
    SIGTERM: stop,
    SIGINT: stop,
    SIGQUIT: stop,
    SIGHUP: () => reload(false),
    SIGUSR1: () => {
      reopenLog();
      reload(false);
    },
    SIGUSR2: () => reload(true),
    SIGWINCH: reopenLog,
  };
  const entries = Object.entries(actions);
  for (const [signal, action] of entries) process.on(signal, action);
  return () => {
    for (const [signal, action] of entries) process.removeListener(signal, action);
  };
}

/** Signals that a terminal or an operator sends to whole groups of processes, and that only the master acts on. */
const OF_THE_MASTER = ['SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2', 'SIGWINCH'] as const;

/** Leaves those signals to the master; returns a function that undoes it. */
export function ignoreMasterSignals(): () => void {
  const ignore = () => {};
  for (const signal of OF_THE_MASTER) process.on(signal, ignore);
  return () => {
    for (const signal of OF_THE_MASTER) process.removeListener(signal, ignore);
  };
}

/** Sent to all, SIGTERM has workers leave what they have not read to the next of their name, and none comes. */
export const NOT_TO_THE_MANAGER =
  'SIGTERM has come to the manager itself, and is for the master alone; in a unit of systemd: KillMode=mixed';
