/** Bytes that connections hold for what has come in part, and for what the other side has not taken: of all that share it. */
export class MemoryUse {
  bytes = 0;
}
