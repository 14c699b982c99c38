import { ANYONE, NONE, openQueue, type QueueMemory, queueBytes, SharedQueue } from '../../src/index.js';
import * as layout from '../../src/queue-layout.js';
import type { End, Scenario } from './explore.js';
import { access, Op, type Program, watchedWords } from './replay.js';

export interface Post {
  readonly id: number;
  readonly target?: number;
  /** Takes it back at once. */
  readonly withdraw?: boolean;
}

/** What a participant of a scenario does. */
export type Role =
  /** Posts messages, and waits for room where it is missing. */
  | { readonly posts: readonly Post[] }
  /** Withdraws a message that waited at the beginning, by its place among them. */
  | { readonly withdraws: number }
  /** Takes messages for ever, or one that it keeps: a slow task. Sleeps when there are none, or from the beginning. */
  | { readonly takes: 'all' | 'one'; readonly asleep?: boolean }
  /** Settles what each dead leaves: it rejects or retries what they had in hand. */
  | { readonly supervises: 'rejects' | 'retries' };

export interface QueueScenario {
  readonly slots: number;
  /** Messages that wait when it begins, numbered from 1. Default: none. */
  readonly waiting?: readonly Post[];
  readonly roles: readonly Role[];
  /** Numbers of the roles that may die; at most `deaths` of them in one run. Default: none. */
  readonly mortal?: readonly number[];
  readonly deaths?: number;
}

/** A queue with one member for each role, to be explored. */
export function queueScenario({
  slots,
  waiting = [],
  roles,
  mortal = [],
  deaths = 0,
}: QueueScenario): Scenario {
  const options = { slots, members: roles.length, payloadBytes: 0 };
  const buffer = new ArrayBuffer(queueBytes(options));
  const { geometry, words, data } = openQueue(buffer, 0, options);
  const memory: QueueMemory = { geometry, words: watchedWords, data };
  const empty = words.slice();
  empty.fill(1, layout.INCARNATIONS_WORD, layout.INCARNATIONS_WORD + roles.length);
  const before = new SharedQueue({ memory: { geometry, words, data }, member: 0, ring: () => {} });
  const tickets = waiting.map(({ id, target }) => before.post([id], NO_BYTES, target));
  words.fill(1, layout.INCARNATIONS_WORD, layout.INCARNATIONS_WORD + roles.length);
  for (const [member, role] of roles.entries())
    if (sleepsAtFirst(role)) words[layout.TAKERS_WORD] |= 1 << member;
  const posts = [...waiting, ...roles.flatMap((role) => ('posts' in role ? role.posts : []))];
  return {
    memory: words,
    setUpMemory: empty,
    contended: (at) => contended(geometry, posts, at),
    programs: roles.map((role, member) => ({
      start: sleepsAtFirst(role) ? ASLEEP : 0,
      setUp: (phase) => {
        access(Op.Store, layout.INCARNATIONS_WORD + member, 0);
        const queue = new SharedQueue({ memory, member, ring: (other) => void access(Op.Ring, other) });
        if ('takes' in role && phase !== 0) queue.awaitMessages();
        return queue;
      },
      run: (queue, phase, tell, goOn) => play(queue as SharedQueue, role, { phase, tickets, tell, goOn }),
    })) satisfies Program<unknown>[],
    mortal,
    deaths,
    supervisors: roles.flatMap((role, member) => ('supervises' in role ? [member] : [])),
    check: (end) => check(end, roles, waiting, geometry),
  };
}

/** Phases of a taker: it has asked to be rung, and has been. */
const ASLEEP = 1;
const WOKEN = 2;

interface Play {
  readonly phase: number;
  readonly tickets: readonly number[];
  readonly tell: (what: string) => void;
  readonly goOn: (phase: number) => never;
}

function play(queue: SharedQueue, role: Role, { phase, tickets, tell, goOn }: Play): void {
  if ('posts' in role) {
    const post = role.posts[phase];
    if (post === undefined) return;
    postOne(queue, post, tell);
    goOn(phase + 1);
  } else if ('withdraws' in role) {
    const id = role.withdraws + 1;
    tell(queue.withdraw(tickets[role.withdraws] as number) ? `withdrew ${id}` : `late ${id}`);
  } else if ('takes' in role) {
    if (phase === ASLEEP) {
      access(Op.Wait, 0);
      goOn(WOKEN);
    }
    takeOne(queue, role.takes === 'one', tell, goOn);
  } else {
    supervise(queue, role.supervises === 'retries', tell);
    goOn(0);
  }
}

function sleepsAtFirst(role: Role): boolean {
  return 'takes' in role && role.asleep === true;
}

function postOne(
  queue: SharedQueue,
  { id, target = ANYONE, withdraw }: Post,
  tell: (what: string) => void,
): void {
  for (;;) {
    const ticket = queue.post([id], NO_BYTES, target);
    if (ticket !== NONE) {
      tell(`posted ${id}`);
      if (withdraw) tell(queue.withdraw(ticket) ? `withdrew ${id}` : `late ${id}`);
      return;
    }
    if (queue.awaitRoom()) access(Op.Wait, 0);
  }
}

function takeOne(
  queue: SharedQueue,
  keep: boolean,
  tell: (what: string) => void,
  goOn: (phase: number) => never,
): void {
  const ticket = queue.take();
  if (ticket === NONE) {
    goOn(queue.awaitMessages() ? ASLEEP : 0);
  }
  const id = queue.header(ticket, 0);
  tell(`took ${id}`);
  if (keep) return;
  queue.done(ticket);
  tell(`did ${id}`);
  goOn(0);
}

function supervise(queue: SharedQueue, retries: boolean, tell: (what: string) => void): void {
  const dead = access(Op.Death, 0);
  queue.abandon(dead, 1, (ticket) => {
    tell(`inherited ${queue.header(ticket, 0)} of ${dead}`);
    if (retries) queue.retry(ticket);
    else queue.done(ticket);
  });
}

const NO_BYTES = new Uint8Array(0);

/** Words that one may change while another looks at them; words that these posts leave as they are left out. */
function contended(geometry: layout.QueueGeometry, posts: readonly Post[], at: number): boolean {
  const { states, slots, lanes, laneWords, slotsAt, slotWords } = geometry;
  const targets = new Set(posts.map(({ target }) => target));
  if (at >= slotsAt) {
    const word = (at - slotsAt) % slotWords;
    return word === layout.POSITION || (word === layout.TARGET && targets.size > 1);
  }
  if (at >= lanes) {
    const index = Math.floor((at - lanes) / laneWords);
    const word = (at - lanes) % laneWords;
    if (!targets.has(index === layout.SHARED_LANE ? undefined : index - 1)) return false;
    return (
      word === layout.HEAD ||
      word === layout.TAIL ||
      (word >= layout.ENTRIES && word < layout.ENTRIES + slots)
    );
  }
  if (at >= states) return at < states + slots;
  return at === layout.TAKERS_WORD || (at === layout.POSTERS_WORD && posts.length > slots);
}

/** What must hold when nobody can go on. */
function check(
  { memory, participants }: End,
  roles: readonly Role[],
  waitedBefore: readonly Post[],
  geometry: layout.QueueGeometry,
): void {
  const told = participants.flatMap(({ report }, who) => report.map((what) => ({ who, what })));
  const by = (what: string) => told.filter((each) => each.what === what);
  const must = (holds: boolean, what: string) => {
    if (!holds) throw new Error(what);
  };
  for (const { what } of told) must(!what.startsWith('threw'), what);
  const states = Array.from(
    { length: geometry.slots },
    (_, slot) => memory[geometry.states + slot] as number,
  );
  const waiting = states.flatMap((state, slot) => {
    if (layout.kindOf(state) !== layout.READY) return [];
    const at = geometry.slotsAt + slot * geometry.slotWords;
    return [{ id: memory[at + layout.CALLER] as number, lane: memory[at + layout.TARGET] as number }];
  });
  const retries = roles.some((role) => 'supervises' in role && role.supervises === 'retries');
  for (const [who, role] of roles.entries()) {
    const { dead, asleep } = participants[who] as End['participants'][number];
    if ('takes' in role && !dead && asleep) {
      const mine = waiting.filter(({ lane }) => lane === layout.SHARED_LANE || lane === who + 1);
      must(mine.length === 0, `${who} sleeps while message ${mine[0]?.id} waits`);
    }
    if ('posts' in role && !dead && asleep)
      must(
        !states.some((state) => layout.kindOf(state) === layout.FREE),
        `${who} sleeps while a slot is free`,
      );
  }
  const supervises = (who: number) => 'supervises' in (roles[who] as Role);
  const deadSupervisors = participants.filter(({ dead }, who) => dead && supervises(who)).length;
  const posted = roles.flatMap((role, who) =>
    'posts' in role ? role.posts.map((post) => ({ who, post })) : [],
  );
  for (const { who, post } of [...posted, ...waitedBefore.map((each) => ({ who: -1, post: each }))]) {
    const { id, withdraw } = post;
    const dead = participants[who]?.dead ?? false;
    const took = by(`took ${id}`);
    const inherited = told.filter(({ what }) => what.startsWith(`inherited ${id} of`));
    const holders = inherited.map(({ what }) => Number(what.split(' ').at(-1)));
    const waits = waiting.filter((each) => each.id === id).length;
    const withdrawn = by(`withdrew ${id}`).length;
    // What a supervisor inherits is still the same fate of the message; its successor inherits it again.
    const hands = new Set([
      ...took.map((each) => each.who),
      ...holders.filter((holder) => !supervises(holder)),
    ]);
    if (hands.size === 0 && holders.length > 0) hands.add(holders[0] as number);
    must(waits <= 1, `message ${id} waits twice`);
    must(
      inherited.length <= (retries ? 2 : 1) + deadSupervisors,
      `message ${id} was inherited ${inherited.length} times`,
    );
    must(new Set(took.map((each) => each.who)).size === took.length, `message ${id} was taken twice by one`);
    must(
      hands.size + waits + withdrawn <= 1 + (retries ? inherited.length : 0),
      `message ${id} has more than one fate: hands ${[...hands]}, waits ${waits}, withdrawn ${withdrawn}`,
    );
    for (const holder of holders) {
      must(participants[holder]?.dead === true, `message ${id} was inherited from ${holder}, who lives`);
      must(
        !(participants[holder]?.report.includes(`did ${id}`) ?? false),
        `message ${id} was inherited, though ${holder} was done with it`,
      );
    }
    if (who >= 0 && by(`posted ${id}`).length === 0) continue;
    // A poster that died while it withdrew has not told whether it did.
    const untold = withdraw && dead && by(`late ${id}`).length === 0;
    must(untold || hands.size + waits + withdrawn >= 1, `message ${id} is lost`);
    if (retries && inherited.length > 0)
      must(hands.size + waits >= 1 + inherited.length || untold === true, `message ${id} was not retried`);
  }
  const kept = participants.filter(({ dead }, who) => !dead && keeps(roles[who])).length;
  const held = states.filter((state) => [layout.WRITING, layout.TAKEN].includes(layout.kindOf(state))).length;
  must(held <= kept, `${held} slots are held, by ${kept} who live`);
  if (waiting.length === 0)
    must(
      !states.some((state) => layout.kindOf(state) === layout.WITHDRAWN),
      'a withdrawn slot was never freed',
    );
}

function keeps(role: Role | undefined): boolean {
  return role !== undefined && 'takes' in role && role.takes === 'one';
}
