/** Places in which a program that is run unchanged may listen at one time. */
export const MAX_LISTENS = 16;
/** Milliseconds after which a program that has not listened is taken as it is. */
export const LISTEN_WAIT_MS = 10_000;
