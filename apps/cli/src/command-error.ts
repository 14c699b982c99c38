/** What the command exits with, beside 0. */
export const EXIT = {
  /** What was asked for has failed. */
  failed: 1,
  /** The command line is wrong. */
  usage: 2,
  /** No such server runs. */
  noServer: 3,
  /** The server, or what answers for it, does not answer. */
  noAnswer: 4,
  /** It is another user's. */
  notAllowed: 5,
} as const;

/** What the command tells before it ends, without a stack: it is for the user to act on. */
export class CommandError extends Error {
  readonly exitCode: (typeof EXIT)[keyof typeof EXIT];

  constructor(exit: keyof typeof EXIT, message: string) {
    super(message);
    this.exitCode = EXIT[exit];
  }
}
