import { EAGAIN, EINTR, syscalls } from '@millrace/native';

/** Milliseconds that a closed connection still takes in, and drops, what the other side goes on sending. */
export const LINGER_MS = 2_000;

/** What is dropped goes here, whatever connection of this thread it comes from. */
const dropped = Buffer.allocUnsafeSlow(64 << 10);

/** Reads once and forgets it. `'none'`: there was nothing; `'over'`: there will be nothing more. */
export function dropInput(fd: number): 'some' | 'none' | 'over' {
  const count = syscalls.receive(fd, dropped, 0, dropped.length);
  if (count > 0) return 'some';
  return count === -EAGAIN || count === -EINTR ? 'none' : 'over';
}
