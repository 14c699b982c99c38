import { readdirSync, readFileSync } from 'node:fs';
import type { Served } from '../start.js';

/** Proportional set sizes by process, in bytes: of the master and its workers, or of plain node. */
export function memory({ program }: Served): Record<string, number> {
  const sizes: Record<string, number> = {};
  for (const { role, pid } of processes(program)) sizes[role] = (sizes[role] ?? 0) + proportionalBytes(pid);
  return sizes;
}

/** Milliseconds of processors that all threads of those processes have taken. */
export function processorMs({ program }: Served): number {
  let ns = 0;
  for (const { pid } of processes(program))
    for (const thread of readdirSync(`/proc/${pid}/task`))
      ns += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]);
  return ns / 1e6;
}

function processes(program: Served['program']): readonly { readonly role: string; readonly pid: number }[] {
  const children = program.children();
  if (children.length === 0) return [{ role: 'node', pid: program.pid }];
  const below = children.flatMap(({ pid, title }) => {
    const role = /^millrace: (worker)/.exec(title)?.[1];
    return role === undefined ? [] : [{ role, pid }];
  });
  return [{ role: 'master', pid: program.pid }, ...below];
}

function proportionalBytes(pid: number): number {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  return Number(/^Pss: +(\d+) kB/m.exec(text)?.[1]) * 1024;
}
