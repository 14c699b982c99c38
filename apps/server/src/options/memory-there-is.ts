import { totalmem } from 'node:os';

/** A part of the memory that there is, for what the server holds for clients; the processes themselves need the most. */
const CLIENTS_PART = 1 / 8;
const LEAST = 32 << 20;

/** Bytes of memory that this process may use: the machine's, or what its control group is allowed. */
export function memoryThereIs(): number {
  const machine = totalmem();
  // 0, or more than there is: no limit.
  const constrained = process.constrainedMemory?.() ?? 0;
  return constrained > 0 && constrained < machine ? constrained : machine;
}

export function defaultClientMemory(): number {
  return Math.max(LEAST, Math.floor(memoryThereIs() * CLIENTS_PART));
}
