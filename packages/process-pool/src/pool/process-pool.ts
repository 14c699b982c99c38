import { checkOptions, checkTimeout, checkWait, shown } from '@millrace/channel';
import { Alarm } from '@millrace/channel/internal';
import { Listener } from '@millrace/reactor';
import { BusHub } from '../bus/bus-hub.js';
import { ProcessPoolError } from '../errors.js';
import { Processes } from '../launch/processes.js';
import { Spares } from '../launch/spares.js';
import type { MemberSpec } from '../launch/spec.js';
import { Member, type MemberHost } from '../member/member.js';
import { Clients } from '../serve/clients.js';
import { BUS, REQUESTS, type ToPool, unknownMessage } from '../wire/protocol.js';
import { Changes, keptAlive } from './changes.js';
import {
  assertNoneGivenUp,
  emitExit,
  PoolEvents,
  type ProcessPoolEvents,
  type ProcessPoolHandlers,
} from './events.js';
import { LateStarts } from './late-starts.js';
import { MergingQueue } from './merging-queue.js';
import {
  checkMembers,
  checkPool,
  type Members,
  type PoolStatus,
  type ProcessPoolOptions,
  REMOVE_OPTIONS,
  START_OPTIONS,
  STOP_OPTIONS,
  type StartOptions,
  type StopOptions,
} from './pool-options.js';
import { Recycling } from './recycling.js';
import { mergeReloads, RELOAD_OPTIONS, type ReloadOptions, type ReloadResult, replaceAll } from './reload.js';
import { memberStatus } from './status.js';

/**
 * Milliseconds after which spares and standbys come in place of those that were taken. A process that has just taken a place works off what
 * has waited for it: one that boots beside it, for hundreds of milliseconds, would have half of its processor.
 */
const REFILL_AFTER_MS = 200;

/**
 * Keeps processes alive under their names.
 *
 * Notes. Readiness is announced by the child, never guessed. A process that ends is replaced as its
 * {@link RestartPolicy} says. Every process is bound to this one: it is killed by the kernel when this one is gone.
 */
export class ProcessPool implements AsyncDisposable {
  readonly #events: PoolEvents;
  readonly #options: ProcessPoolOptions;
  readonly #template: ((i: number) => MemberSpec) | undefined;
  readonly #host: MemberHost;
  #members: readonly Member[] = [];
  #spares: Spares | undefined;
  #state: 'idle' | 'starting' | 'running' | 'stopping' = 'idle';
  #reloading = false;
  readonly #reloads = new MergingQueue<ReloadOptions, ReloadResult>(
    {
      run: (options) => this.#reload(options),
      merge: mergeReloads,
      stopped: { outcome: 'stopped', replaced: 0 },
      overtaken: () => this.#overtaken?.abort(),
    },
    'closed',
  );
  /** Of the reload that runs. */
  #overtaken: AbortController | undefined;
  readonly #processes = new Processes();
  #bus: BusHub | undefined;
  #listener: Listener | undefined;
  #clients: Clients | undefined;
  readonly #recycling = new Recycling();
  readonly #lateStarts = new LateStarts();
  #refill: Alarm | undefined;
  /** Of any member's state. */
  readonly #changes = new Changes();

  /** Throws `ERR_MILLRACE_DUPLICATE_NAME`, `_MEMBERS_VALUE` or `_UNKNOWN_OPTION`. */
  constructor(
    members: readonly MemberSpec[] | Members,
    events: ProcessPoolEvents = {},
    options: ProcessPoolOptions = {},
  ) {
    const specs = checkPool(members, events, options);
    this.#events = new PoolEvents(events);
    this.#options = options;
    this.#host = this.#makeHost();
    if ('member' in members) this.#template = members.member;
    this.#join(specs);
  }

  get members(): readonly Member[] {
    return this.#members;
  }

  /** From its start until it is told to stop. */
  get running(): boolean {
    return this.#state === 'starting' || this.#state === 'running';
  }

  /** Where it listens, with the port that the kernel picked, or the path; undefined where it does not. */
  get address(): { readonly host: string; readonly port: number } | { readonly path: string } | undefined {
    const { path, address } = this.#listener ?? {};
    return path === undefined ? address : { path };
  }

  get reloading(): boolean {
    return this.#reloading;
  }

  /**
   * Adds a handler of an event: `pool.on('exit', …)` for `onExit` of the constructor's `events`, whose handlers are called
   * first. Throws `ERR_MILLRACE_UNKNOWN_OPTION`.
   */
  on<Name extends keyof ProcessPoolHandlers>(name: Name, handler: ProcessPoolHandlers[Name]): this {
    this.#events.on(name, handler);
    return this;
  }

  /** Removes a handler that was added with {@link on}. */
  off<Name extends keyof ProcessPoolHandlers>(name: Name, handler: ProcessPoolHandlers[Name]): this {
    this.#events.off(name, handler);
    return this;
  }

  /** Lets its processes keep the loop of this one alive, which they do unless `unref` is called. */
  ref(): this {
    return this.#keepLoop(true);
  }

  /**
   * Lets this process end while the pool runs, and its processes with it. `stop` alone still waits; whatever else is
   * waited for is not heard of when nothing else keeps this process.
   */
  unref(): this {
    return this.#keepLoop(false);
  }

  /** Starts every member; resolves when all are ready, rejects with `ERR_MILLRACE_POOL_START_FAILED` when one is given up. */
  async start(options: StartOptions = {}): Promise<void> {
    checkOptions(options, START_OPTIONS, 'start()');
    const { signal, timeout } = options;
    checkWait({ signal, timeout });
    if (this.#options.listen) {
      this.#listener ??= new Listener(this.#options.listen);
      this.#clients ??= new Clients(this.#listener.fd);
    }
    if (this.#options.bus) this.#bus ??= new BusHub();
    this.#state = 'starting';
    this.#reloads.hold();
    this.#spares ??= this.#makeSpares();
    this.#lateStarts.begin(this.#members);
    this.#events.emit('start');
    try {
      await this.#changes.until(() => this.#isUp(), { signal, timeout });
    } catch (error) {
      this.#reloads.close();
      throw error;
    }
    this.#state = 'running';
    void this.#options.ahead?.close();
    this.#recycling.watch(() => this.#members);
    this.#fillSpares();
    this.#reloads.open();
  }

  /** Asks members to end and waits until they have; kills those that have not in time. */
  async stop(options: StopOptions = {}): Promise<void> {
    checkOptions(options, STOP_OPTIONS, 'stop()');
    const { members, mode = 'stop', timeout = 3_000 } = options;
    checkTimeout(timeout);
    const those = members ?? this.#members;
    const all = members === undefined || members === this.#members;
    this.#lateStarts.cancel();
    if (all) this.#shutDown();
    for (const member of those) member.stop(mode);
    this.#changes.happened();
    const deadline = new Alarm(timeout, () => this.#kill(those, all));
    await keptAlive(this.#ended(those, all));
    deadline.cancel();
    if (all && this.#state === 'stopping') {
      this.#state = 'idle';
      this.#spares = undefined;
      this.#bus?.close();
      this.#bus = undefined;
    }
  }

  /** Ends the pool in order, as {@link stop} of all members does; idempotent. */
  close(options: Omit<StopOptions, 'members'> = {}): Promise<void> {
    checkOptions(options, REMOVE_OPTIONS, 'close()');
    return this.stop(options);
  }

  /** Kills every process of the pool; resolves when they have ended. Idempotent. */
  async destroy(): Promise<void> {
    const stopped = this.stop({ timeout: 0 });
    this.#kill(this.#members, true);
    await stopped;
  }

  /**
   * Gives members new processes, so that they run what the files of their module say now. One reload runs at a time; all
   * that are asked for meanwhile, or before the pool has started, are one more that follows. Resolves when the last
   * process before has ended; of a version that does not come up, nothing is kept. One that has not come up in far longer than those
   * before it have taken is given up when another reload waits for that.
   */
  async reload(options: ReloadOptions = {}): Promise<ReloadResult> {
    checkOptions(options, RELOAD_OPTIONS, 'reload()');
    return this.#reloads.ask(options);
  }

  async #reload(options: ReloadOptions): Promise<ReloadResult> {
    this.#reloading = true;
    this.#overtaken = new AbortController();
    const own = this.#overtaken.signal;
    const overtaken = options.overtaken === undefined ? own : AbortSignal.any([own, options.overtaken]);
    this.#events.emit('beforeReload');
    // They have loaded what was there before.
    this.#spares?.discard();
    try {
      const members = options.members ?? this.#members;
      const result = await replaceAll(
        members,
        { ...options, overtaken },
        {
          gone: (pids) =>
            this.#changes.until(
              () => !members.some(({ awaitedPids }) => awaitedPids.some((pid) => pids.has(pid))),
            ),
          stopped: () => !this.running,
        },
      );
      this.#events.emit('afterReload', result);
      return result;
    } finally {
      this.#overtaken = undefined;
      this.#reloading = false;
      this.#fillSpares();
    }
  }

  /** Adds members while the pool runs; resolves when they are ready. Throws `ERR_MILLRACE_DUPLICATE_NAME` and `_POOL_STOPPED`. */
  async add(...specs: readonly MemberSpec[]): Promise<readonly Member[]> {
    if (this.#state === 'stopping')
      throw new ProcessPoolError(
        'ERR_MILLRACE_POOL_STOPPED',
        'The pool is being stopped: nothing is added to it any more.',
      );
    const added = this.#join(checkMembers(specs));
    for (const member of added) member.start();
    this.#recycling.watch(() => this.#members);
    await this.#changes.until(() => {
      assertNoneGivenUp(added);
      return added.every(({ isUp, wanted }) => isUp || !wanted);
    });
    return added;
  }

  /** Stops members and takes them out of the pool. */
  async remove(members: readonly Member[], options: Omit<StopOptions, 'members'> = {}): Promise<void> {
    checkOptions(options, REMOVE_OPTIONS, 'remove()');
    this.#members = this.#members.filter((member) => !members.includes(member));
    await this.stop({ mode: 'drain', ...options, members });
    for (const member of members) this.#bus?.remove(member);
    this.#fillSpares();
  }

  /** Grows or shrinks the pool to `size` members, the last ones go. Needs a pool that was made with {@link Members}. */
  async scaleTo(size: number, options: Omit<StopOptions, 'members'> = {}): Promise<void> {
    checkOptions(options, REMOVE_OPTIONS, 'scaleTo()');
    if (this.#template === undefined) {
      throw new ProcessPoolError(
        'ERR_MILLRACE_NOT_ENABLED',
        'scaleTo needs a pool made with { size, member }; this one has a list of members: use add and remove.',
      );
    }
    if (!Number.isInteger(size) || size < 0)
      throw new ProcessPoolError(
        'ERR_MILLRACE_POOL_ARGUMENT',
        `A pool has 0 or more members, not ${shown(size)}.`,
        { value: size },
      );
    const have = this.#members.length;
    const more = Array.from({ length: Math.max(0, size - have) }, (_, i) => have + i);
    if (more.length > 0) await this.add(...more.map(this.#template));
    else await this.remove(this.#members.slice(size), options);
  }

  /** What each process is, does and costs, as the kernel says now. */
  status(): PoolStatus {
    return {
      running: this.running,
      reloading: this.#reloading,
      members: this.#members.map(memberStatus),
      spares: { pids: this.#spares?.pids ?? [], loaded: this.#spares?.loaded ?? 0 },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #isUp(): boolean {
    if (this.#state === 'stopping' || this.#state === 'idle')
      throw new ProcessPoolError('ERR_MILLRACE_POOL_STOPPED', 'The pool was stopped while it started.');
    assertNoneGivenUp(this.#members);
    return this.#members.every(({ isUp }) => isUp);
  }

  async #ended(members: readonly Member[], all: boolean): Promise<void> {
    await this.#changes.until(() => members.every(({ settled }) => settled));
    if (!all) return;
    await Promise.all([this.#processes.gone(), this.#options.ahead?.close()]);
    await this.#changes.until(() => this.#spares?.gone ?? true);
  }

  #kill(members: readonly Member[], all: boolean): void {
    for (const member of members) member.killAll();
    if (!all) return;
    this.#spares?.kill();
    this.#processes.kill();
  }

  #makeHost(): MemberHost {
    return {
      killedEarly: (spec) => this.#spares?.killedEarly(spec),
      launch: (spec, title) => {
        const there = this.#spares?.take(spec) ?? this.#options.ahead?.take(spec);
        return this.#processes.launch(spec, title, there);
      },
      descriptors: (member) => ({
        ...(this.#bus && { [BUS]: this.#bus.descriptor(member) }),
        ...(this.#clients && { [REQUESTS]: this.#clients.descriptor }),
      }),
      changed: (member) => {
        this.#bus?.changed(member);
        this.#changes.happened();
      },
      spawned: (member) => {
        this.#bus?.changed(member);
        this.#events.emit('spawn', member);
      },
      ready: (member) => {
        this.#events.emit('ready', member);
        this.#lateStarts.look();
        this.#fillSparesLater();
        this.#changes.happened();
      },
      message: (member, message) => this.#onMessage(member, message),
      halted: (member, pid) => this.#events.emit('halt', member, pid),
      exit: (member, exit, delay) => {
        emitExit(this.#events, member, exit, delay);
        this.#changes.happened();
      },
      standbyExit: (_member, exit, delay) => this.#events.emit('spareExit', exit, delay),
      gaveUp: (member, exit) => {
        this.#events.emit('gaveUp', member, exit);
        this.#changes.happened();
      },
    };
  }

  #onMessage(member: Member, message: ToPool): void {
    switch (message.type) {
      case 'message':
        return this.#events.emit('message', member, message.body);
      case 'replace':
        return this.#recycling.recycle(member);
      case 'shutdown':
        return void this.stop();
      case 'serves':
        return this.#clients?.serve(message);
      default:
        unknownMessage(message);
    }
  }

  #makeSpares(): Spares {
    const { spares, title } = this.#options;
    return new Spares({
      count: spares ?? (this.#members.length > 1 ? 1 : 0),
      title,
      onExit: (exit, delay) => this.#events.emit('spareExit', exit, delay),
      changed: () => this.#changes.happened(),
    });
  }

  #fillSpares(): void {
    if (this.#state !== 'running' || this.#reloading) return;
    for (const member of this.#members) member.fillStandby();
    this.#spares?.fill(
      this.#members.filter(({ wanted, spec }) => wanted && spec.spare !== false).map(({ spec }) => spec),
    );
  }

  #fillSparesLater(): void {
    if (this.#state !== 'running' || this.#refill !== undefined) return;
    this.#refill = new Alarm(REFILL_AFTER_MS, () => {
      this.#refill = undefined;
      this.#fillSpares();
    }).unref();
  }

  #join(specs: readonly MemberSpec[]): Member[] {
    const names = new Set(this.#members.map(({ name }) => name));
    for (const { name } of specs) {
      if (names.has(name))
        throw new ProcessPoolError('ERR_MILLRACE_DUPLICATE_NAME', `Two members are named '${name}'.`);
      names.add(name);
    }
    const added = specs.map((spec) => new Member(spec, this.#host));
    for (const member of added) member.keepLoop(this.#processes.keepsLoop);
    this.#members = [...this.#members, ...added];
    return added;
  }

  #keepLoop(on: boolean): this {
    this.#processes.keepLoop(on);
    for (const member of this.#members) member.keepLoop(on);
    return this;
  }

  #shutDown(): void {
    const had = this.#state;
    this.#state = 'stopping';
    this.#reloads.close();
    this.#recycling.close();
    this.#refill?.cancel();
    this.#refill = undefined;
    this.#spares?.close();
    void this.#options.ahead?.close();
    this.#clients?.close();
    this.#clients = undefined;
    this.#listener?.close();
    this.#listener = undefined;
    if (had === 'running' || had === 'starting') this.#events.emit('shutdown');
  }
}
