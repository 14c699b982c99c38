import { readFileSync } from 'node:fs';

/** Bytes of the unit of `tcp_mem`, as far as it is known here; where pages are larger, so is that bound. */
const PAGE_BYTES = 4096;

/**
 * Bytes that the kernel may hold in the buffers of that many TCP sockets: each grows by itself up to the last number of
 * `tcp_rmem` and `tcp_wmem`, all of the machine's together to the last of `tcp_mem`.
 */
export function kernelBuffers(sockets: number): number {
  const each = limitOf('tcp_rmem', 0) + limitOf('tcp_wmem', 0);
  return Math.min(sockets * each, limitOf('tcp_mem', Number.POSITIVE_INFINITY) * PAGE_BYTES);
}

/** The largest of the three numbers; `otherwise` where this network namespace does not show them. */
function limitOf(name: string, otherwise: number): number {
  try {
    const numbers = readFileSync(`/proc/sys/net/ipv4/${name}`, 'latin1').trim().split(/\s+/);
    return Number(numbers.at(-1));
  } catch (error) {
    if (['ENOENT', 'EACCES'].includes((error as NodeJS.ErrnoException).code ?? '')) return otherwise;
    throw error;
  }
}
