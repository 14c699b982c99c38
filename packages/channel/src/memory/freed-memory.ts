/** Bytes of freed memory that stay in the process: twice what is freed by one collection, as the next begins while V8 still frees. */
const MOST_KEPT = 32 << 20;
/** Bytes from which memory is mapped for a request alone, which costs page faults each time: more than a message has by default. */
const MAPPED_FROM = 4 << 20;

/** What the C library's allocator can be told (`syscalls` of the native package). */
export interface Allocator {
  keepFreed(bytes: number, mapFrom: number): number;
  trim(): number;
}

let allocator: Allocator | undefined;
let keeps = false;

const setByUser =
  /glibc\.malloc\.(trim|mmap)_threshold/.test(process.env.GLIBC_TUNABLES ?? '') ||
  process.env.MALLOC_TRIM_THRESHOLD_ !== undefined ||
  process.env.MALLOC_MMAP_THRESHOLD_ !== undefined;

/** Names the allocator of this process, once; a user who has set it keeps what is set. */
export function useAllocator(own: Allocator | undefined): void {
  if (!setByUser) allocator = own;
}

/**
 * Keeps the memory of messages that were freed for the next ones. By its own measure the allocator gives the end of its memory
 * back to the kernel where that happens to be free, in V8's helper threads, and asks for it again at once: each message of 64 KiB then
 * costs up to 16 page faults, and each call holds up the faults of all threads. Whether the end is free depends on what
 * else lies there, so one process is a quarter slower than the next one that is started just as it was.
 */
export function keepFreedMemory(): void {
  if (keeps || allocator === undefined) return;
  keeps = true;
  allocator.keepFreed(MOST_KEPT, MAPPED_FROM);
}

/** No large messages come any more: what was kept for them goes back to the kernel. */
export function giveFreedMemoryBack(): void {
  if (keeps) allocator?.trim();
}
