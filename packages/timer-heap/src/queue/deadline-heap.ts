import type { DeadlineNodes } from './deadline-nodes.js';

/**
 * A 4-ary min-heap of nodes, ordered by (due, sequence): the children of p are 4p + 1 … 4p + 4.
 *
 * Deadlines lie next to each other, so comparing four siblings costs one cache line.
 */
export function push(heap: DeadlineNodes, id: number, due: number, sequence: number): void {
  if (heap.size === heap.ids.length) heap.grow();
  rise(heap, heap.size++, id, due, sequence);
}

/** Takes out the first node of a heap that has one. */
export function dropFirst(heap: DeadlineNodes): void {
  const last = --heap.size;
  // The last node belongs at the bottom nearly always: the hole sinks there first, without looking at it (Floyd).
  if (last > 0) rise(heap, sink(heap), heap.ids[last]!, heap.dues[last]!, heap.sequences[last]!);
}

/** Moves a hole from the top down to a leaf, the smallest child filling it on each level; returns where it ends. */
function sink({ dues, sequences, ids, size }: DeadlineNodes): number {
  let hole = 0;
  for (;;) {
    const first = 4 * hole + 1;
    if (first >= size) return hole;
    const end = Math.min(first + 4, size);
    let best = first;
    let bestDue = dues[first]!;
    for (let child = first + 1; child < end; child++) {
      const due = dues[child]!;
      if (due < bestDue || (due === bestDue && sequences[child]! < sequences[best]!)) {
        best = child;
        bestDue = due;
      }
    }
    dues[hole] = bestDue;
    sequences[hole] = sequences[best]!;
    ids[hole] = ids[best]!;
    hole = best;
  }
}

/** Puts a node where the hole is, or as far above it as its deadline says. */
function rise(heap: DeadlineNodes, from: number, id: number, due: number, sequence: number): void {
  const { dues, sequences, ids } = heap;
  let hole = from;
  while (hole > 0) {
    const parent = (hole - 1) >> 2;
    const parentDue = dues[parent]!;
    if (parentDue < due || (parentDue === due && sequences[parent]! < sequence)) break;
    dues[hole] = parentDue;
    sequences[hole] = sequences[parent]!;
    ids[hole] = ids[parent]!;
    hole = parent;
  }
  dues[hole] = due;
  sequences[hole] = sequence;
  ids[hole] = id;
}
