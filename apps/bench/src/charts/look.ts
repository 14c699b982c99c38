import type { Machine } from '../machine.js';

/** Of bars on either side of 1. */
export const WON = '#2f7d5b';
export const LOST = '#b0483a';

export function heading(title: string, machine: Machine, { node, swoole }: Record<string, string>) {
  const versions = [`Linux ${machine.kernel}`, `Node ${node}`, ...(swoole ? [`Swoole ${swoole}`] : [])];
  return {
    text: title,
    subtitle: [
      `${machine.cpus} x ${machine.cpu}, ${versions.join(', ')}, load ${machine.load} before the start`,
      machine.command,
    ],
    anchor: 'start' as const,
  };
}
