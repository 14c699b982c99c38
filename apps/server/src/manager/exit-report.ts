import type { Exit, Member } from '@millrace/process-pool';

/** How a process has ended, and what becomes of its place, in words. `delay`: until it is replaced, where it is. */
export function exitReport(member: Member, exit: Exit, delay: number | undefined): string {
  const { pid, code, signal, error, replaced } = exit;
  const how =
    pid === undefined ? `before it began (${error?.message})` : signal ? `by ${signal}` : `with code ${code}`;
  return `abnormal exit: ${member.name} ended ${how}; ${nextOf(member, replaced, delay)}`;
}

function nextOf(member: Member, replaced: boolean, delay: number | undefined): string {
  if (replaced) return 'another had taken its place';
  if (delay === undefined) return member.isUp ? 'the one before goes on' : 'it is not replaced';
  return delay === 0 ? 'it is replaced' : `it is replaced in ${delay} ms`;
}
