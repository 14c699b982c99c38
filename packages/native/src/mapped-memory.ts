import { freemem } from 'node:os';
import { syscalls } from './addon.js';
import type { MapHandle } from './calls.js';
import { check, NativeError, SystemCallError } from './errors.js';

/**
 * Shared memory of a descriptor, mapped into this process.
 *
 * Notes. Views of {@link MappedMemory.buffer} have length 0 after `close`: reads give `undefined`, writes do nothing,
 * `Atomics` throw; nothing crashes. Plain `Atomics` operations work across processes, `Atomics.wait` and `notify` do
 * not. The memory is released when it is closed or collected, in every process by itself; the descriptor is not
 * touched and may be closed as soon as the memory is mapped.
 */
export class MappedMemory implements Disposable {
  readonly length: number;
  readonly #handle: MapHandle;
  readonly #buffer: ArrayBuffer;
  #closed = false;

  /**
   * Maps `length` bytes of descriptor `id`, readable and writable; or attaches the System V segment `id`, whose length
   * that must be. Throws {@link SystemCallError}.
   */
  constructor(id: number, length: number, what: 'descriptor' | 'System V segment' = 'descriptor') {
    const file = what === 'descriptor';
    const mapped = file ? syscalls.map(id, length) : syscalls.shmAttach(id, length);
    if (typeof mapped === 'number')
      throw new SystemCallError(file ? 'mmap' : 'shmat', -mapped, `${what} ${id}, ${length} bytes`);
    [this.#buffer, this.#handle] = mapped;
    this.length = length;
  }

  /** Throws `ERR_MILLRACE_MEMORY_CLOSED` after `close`. */
  get buffer(): ArrayBuffer {
    if (this.#closed)
      throw new NativeError('ERR_MILLRACE_MEMORY_CLOSED', 'This memory has been closed; map it again.');
    return this.#buffer;
  }

  get closed(): boolean {
    return this.#closed;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    check(syscalls.unmap(this.#buffer, this.#handle), 'munmap');
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/**
 * Makes an anonymous file of `length` bytes that can be mapped here and in processes that inherit the descriptor.
 *
 * The bytes are reserved now, so `ERR_MILLRACE_NO_MEMORY` is thrown for more than this machine has free: the kernel
 * would hand out pages until it has to kill a process.
 */
export function createMemory(name: string, length: number): number {
  checkFreeMemory(name, length);
  return check(syscalls.memfd(name, length), 'memfd_create', `${name}, ${length} bytes`);
}

/** Throws `ERR_MILLRACE_NO_MEMORY` when this machine, or the container, has less than `length` bytes free. */
export function checkFreeMemory(name: string, length: number): void {
  const available = Math.min(freemem(), process.constrainedMemory() || Number.POSITIVE_INFINITY);
  if (length > available) {
    throw new NativeError(
      'ERR_MILLRACE_NO_MEMORY',
      `${length} bytes of shared memory were asked for (${name}), ${available} are free on this machine.`,
    );
  }
}
