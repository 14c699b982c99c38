/** What the master does when it gets a signal. */
export interface SignalActions {
  /** TERM, INT, QUIT. */
  stop(): void;
  /** HUP and USR1: workers and task workers; USR2: task workers alone. */
  reload(tasksOnly: boolean): void;
  /** WINCH, and USR1 as in Swoole: what moves the log away may send either. */
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
