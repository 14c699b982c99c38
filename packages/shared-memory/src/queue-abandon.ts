import type { QueueLane } from './queue-lane.js';
import * as layout from './queue-layout.js';
import { leave } from './queue-member.js';
import type { QueueSleepers } from './queue-sleepers.js';
import type { QueueSlots } from './queue-slots.js';

/** What `abandon` did with the slots of a dead member. */
export interface Abandoned {
  /** Messages that it had in hand; they were visited. */
  readonly inHand: number;
  /** Messages that it had written and not yet put in their lane; they are there now. */
  readonly finished: number;
  /** Messages that it had begun to write; nobody has seen them. */
  readonly dropped: number;
}

export interface AbandonContext {
  readonly words: Int32Array;
  readonly geometry: layout.QueueGeometry;
  /** Of the member that does this. */
  readonly slots: QueueSlots;
  readonly lanes: readonly QueueLane[];
  readonly takers: QueueSleepers;
  readonly posters: QueueSleepers;
  readonly ring: (member: number) => void;
}

/**
 * Settles what a dead member left, see SharedQueue.abandon. Every slot by one compare-and-swap, so that a death on the
 * way leaves nothing in between; the dead one's number comes free last, so that a second call finds the rest.
 */
export function abandon(
  context: AbandonContext,
  member: number,
  incarnation: number,
  visit: (ticket: number) => void,
): Abandoned {
  const { words, geometry } = context;
  const counts = { inHand: 0, finished: 0, dropped: 0 };
  if (Atomics.load(words, layout.INCARNATIONS_WORD + member) !== incarnation) return counts;
  for (let slot = 0; slot < geometry.slots; slot++) settle(context, member, slot, counts, visit);
  context.takers.forget(member);
  context.posters.forget(member);
  // It may have taken a message from a lane, and died before what was withdrawn behind it was freed.
  for (const lane of context.lanes) lane.front();
  ringEverybody(context);
  // Pairs with the swap in `enter`: a successor begins when nothing of this one is left.
  leave(words, member, incarnation);
  return counts;
}

function settle(
  { words, slots, lanes }: AbandonContext,
  member: number,
  slot: number,
  counts: { inHand: number; finished: number; dropped: number },
  visit: (ticket: number) => void,
): void {
  const state = slots.state(slot);
  if (layout.memberOf(state) !== member) return;
  const taken = slots.mine(layout.TAKEN, state);
  switch (layout.kindOf(state)) {
    case layout.WRITING:
      if (slots.free(slot, state)) counts.dropped++;
      return;
    case layout.TAKEN:
      if (!slots.change(slot, state, taken)) return;
      counts.inHand++;
      visit(slots.ticket(slot, state));
      return;
    case layout.READY: {
      const lane = lanes[words[slots.at(slot) + layout.TARGET] as number] as QueueLane;
      // In its lane it can only be taken or withdrawn. Was it, then this swap fails; else it never got there.
      if (lane.holds(slot) || !slots.change(slot, state, taken)) return;
      lane.append(slot, taken, slots.mineNext(layout.READY, taken));
      counts.finished++;
      return;
    }
    default:
      // FREE is nobody's, and WITHDRAWN is freed by whoever passes it.
      return;
  }
}

/** Rings every member, asleep or not: the dead one may have taken a bit away and not rung. Deaths are rare. */
function ringEverybody({ words, geometry, ring }: AbandonContext): void {
  for (let member = 0; member < geometry.members; member++) {
    if (Atomics.load(words, layout.INCARNATIONS_WORD + member) !== 0) ring(member);
  }
}
