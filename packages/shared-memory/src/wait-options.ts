export interface WaitOptions {
  /** Milliseconds to wait at most; 0 does not wait, Infinity waits for ever. */
  readonly timeout?: number;
}

export interface AsyncWaitOptions extends WaitOptions {
  /** Ends the waiting: the promise is rejected with its reason. */
  readonly signal?: AbortSignal;
}
