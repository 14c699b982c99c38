import { EventEmitter } from 'node:events';
import { checkHandlers, optionNames } from '@millrace/channel';
import { ProcessPoolError } from '../errors.js';
import { causeOf, describeEnd, type Exit } from '../launch/exit.js';
import type { Member } from '../member/member.js';
import type { ReloadResult } from './reload.js';

/** An end that was not orderly: a signal, a code other than 0, or a process that could not even be started. */
export interface MemberFailure extends Exit {
  /** How many processes the member has had before. */
  readonly restarts: number;
  /** Milliseconds until the next starts, undefined when there is none. */
  readonly delay: number | undefined;
  /** One line for a log that says what has happened, what comes now, and what there is to do. */
  readonly advice: string;
}

/** The events of a pool, in the pool's process. Swoole's names, where they differ, stand beside. */
export interface ProcessPoolEvents {
  /** Every member has a process; `start` resolves when they are ready (Start). */
  onStart?: () => void;
  /** A process has been assigned to a member (in the process: WorkerStart). */
  onSpawn?: (member: Member) => void;
  /** A process has announced that it is ready. */
  onReady?: (member: Member) => void;
  /** A process has sent a message. */
  onMessage?: (member: Member, body: unknown) => void;
  /**
   * The process of that pid has halted, before its replacement is started; its `onExit` follows. Only of a member with an
   * `earlyRestart`, and not where its end decides what comes.
   */
  onHalt?: (member: Member, pid: number) => void;
  /** A process has ended, before its replacement is started, but after an `onHalt`; `delay` undefined: it is not replaced. */
  onExit?: (member: Member, exit: Exit, delay: number | undefined) => void;
  /** A process has ended in the orderly way; after `onExit` (WorkerStop). */
  onStop?: (member: Member, exit: Exit) => void;
  /** A process has ended in another way; after `onExit` (WorkerError). */
  onError?: (member: Member, failure: MemberFailure) => void;
  /** A member has been given up. */
  onGaveUp?: (member: Member, exit: Exit) => void;
  /** A spare, or the standby of a member, has ended by itself; `delay` undefined: no more are kept. */
  onSpareExit?: (exit: Exit, delay: number | undefined) => void;
  onBeforeReload?: () => void;
  /** The last process that was replaced has ended, or the reload has failed. */
  onAfterReload?: (result: ReloadResult) => void;
  /** The pool is about to stop; its processes have not been asked to yet (Shutdown). */
  onShutdown?: () => void;
}

/** The handlers of {@link ProcessPoolEvents} under the names that `on` takes: `exit` for `onExit`. */
export type ProcessPoolHandlers = {
  [Name in keyof ProcessPoolEvents as Name extends `on${infer Rest}`
    ? Uncapitalize<Rest>
    : never]-?: NonNullable<ProcessPoolEvents[Name]>;
};

/** The handlers of a pool's events: any number for each, called in the order in which they were added. */
export class PoolEvents {
  readonly #emitter = new EventEmitter();

  /** `events` are those that the pool was made with. */
  constructor(events: ProcessPoolEvents) {
    checkHandlers(events, PROCESS_POOL_EVENTS, 'a ProcessPool', 'events');
    this.#emitter.setMaxListeners(0);
    // Looked up at each event: the object may be an instance whose handlers change.
    for (const option of PROCESS_POOL_EVENTS as ReadonlySet<keyof ProcessPoolEvents>)
      this.#emitter.on(option, (...args: unknown[]) => (events[option] as Listener | undefined)?.(...args));
  }

  on<Name extends keyof ProcessPoolHandlers>(name: Name, handler: ProcessPoolHandlers[Name]): void {
    this.#emitter.on(optionOf(name, handler), handler);
  }

  off<Name extends keyof ProcessPoolHandlers>(name: Name, handler: ProcessPoolHandlers[Name]): void {
    this.#emitter.off(optionOf(name, handler), handler);
  }

  emit<Name extends keyof ProcessPoolHandlers>(
    name: Name,
    ...args: Parameters<ProcessPoolHandlers[Name]>
  ): void {
    this.#emitter.emit(optionName(name), ...args);
  }
}

type Listener = (...args: unknown[]) => void;

/** `exit` is the option `onExit`. Under that name Node's own meaning of the event `error` does not apply. */
function optionName(name: string): string {
  return `on${name.charAt(0).toUpperCase()}${name.slice(1)}`;
}

/** Refuses an unknown event as the constructor does. */
function optionOf(name: string, handler: unknown): string {
  const option = optionName(name);
  checkHandlers({ [option]: handler }, PROCESS_POOL_EVENTS, 'a ProcessPool', 'events');
  return option;
}

/** Tells of the end of a process: that it has ended, and which sort of end it was. */
export function emitExit(events: PoolEvents, member: Member, exit: Exit, delay: number | undefined): void {
  events.emit('exit', member, exit, delay);
  const gaveUp = member.state === 'given-up';
  const asked = !member.wanted && !gaveUp && exit.signal === 'SIGTERM';
  if (exit.code === 0 || asked) return events.emit('stop', member, exit);
  const restarts = member.incarnation - 1;
  events.emit('error', member, { ...exit, restarts, delay, advice: advise(member, exit, delay, gaveUp) });
}

/** What {@link MemberFailure} says to an operator. */
function advise(member: Member, exit: Exit, delay: number | undefined, gaveUp: boolean): string {
  const { uptime, wasReady } = exit;
  const how = describeEnd(exit);
  const when = wasReady ? `after ${Math.round(uptime)} ms` : 'before it was ready';
  const head = `${member.name} ended ${how} ${when}`;
  if (gaveUp)
    return `${head}; it is given up. What it wrote before is the reason: mend ${member.spec.entry}, then start or reload the pool.`;
  if (exit.replaced) return `${head}; another had taken its place.`;
  if (delay === undefined) return `${head}; it is not started again.`;
  if (delay === 0) return `${head}; it is started again.`;
  if (causeOf(exit) === 'killed')
    return `${head}; it keeps being killed and is started again in ${delay} ms. Find out by whom: the out-of-memory killer writes to the kernel's log (dmesg).`;
  return `${head}; it keeps failing and is started again in ${delay} ms. What it wrote before is the reason.`;
}

/** Throws `ERR_MILLRACE_POOL_START_FAILED` when one of the members was never ready, and is not started again. */
export function assertNoneGivenUp(members: readonly Member[]): void {
  const lost = members.find(
    ({ state, settled, lastExit }) => state === 'given-up' || (settled && lastExit?.wasReady === false),
  );
  if (lost === undefined) return;
  const how = describeEnd(lost.lastExit as Exit);
  const ended =
    lost.incarnation > 1 ? 'kept ending before it was ready, the last time' : 'ended before it was ready,';
  throw new ProcessPoolError(
    'ERR_MILLRACE_POOL_START_FAILED',
    `${lost.name} ${ended} ${how}. What it wrote before is the reason; it is not started again.`,
  );
}

export const PROCESS_POOL_EVENTS = optionNames<ProcessPoolEvents>({
  onStart: true,
  onSpawn: true,
  onReady: true,
  onMessage: true,
  onHalt: true,
  onExit: true,
  onStop: true,
  onError: true,
  onGaveUp: true,
  onSpareExit: true,
  onBeforeReload: true,
  onAfterReload: true,
  onShutdown: true,
});
