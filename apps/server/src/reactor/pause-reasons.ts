/** Why a client is not read from; it may have several reasons at once. */
export const PAUSE_WORKER = 1; // its worker has more than it can take
export const PAUSE_OUTPUT = 2; // it does not read its answers
export const PAUSE_QUIESCE = 4; // the server is stopping
export const PAUSE_USER = 8; // the program called pause
export const PAUSE_SHARE = 16; // it has as many messages on their way to workers as one client may
export const PAUSE_MEMORY = 32; // it holds much, and all clients together hold too much
export const PAUSE_UPGRADE = 64; // the answer to its last request may change the protocol
export const PAUSE_MOVES = 128; // it moves to the next process as soon as it is between two requests
export const PAUSE_DISPATCH = 256; // its request is for a worker that cannot have it yet

/** What can be held, and is let go when no reason is left. */
export interface Pausable {
  pauseFor(reason: number): void;
  resumeFor(reason: number): void;
}
