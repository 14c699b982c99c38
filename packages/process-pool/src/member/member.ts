import { checkOptions, checkTimeout } from '@millrace/channel';
import { Alarm } from '@millrace/channel/internal';
import { ProcessPoolError } from '../errors.js';
import type { ChildHandle } from '../launch/child-handle.js';
import { causeOf, type Exit } from '../launch/exit.js';
import { RestartPolicy } from '../launch/restart-policy.js';
import { type LaunchSpec, MEMBER_OPTIONS, type MemberSpec } from '../launch/spec.js';
import type { ToChild, ToMember, ToPool } from '../wire/protocol.js';
import { ProcessRun, standbyTitle } from './process-run.js';
import { Replacement, type ReplaceResult } from './replacement.js';
import { Standby } from './standby.js';
import { after, type MemberState } from './state.js';

export interface MemberEvents {
  /** A process has been assigned the member's name. */
  spawned(member: Member): void;
  ready(member: Member): void;
  message(member: Member, message: ToPool): void;
  /** The process with that pid has halted, and the next one begins. Its end comes later. */
  halted(member: Member, pid: number): void;
  /** A process has ended; the next starts in `delay` milliseconds, undefined: there is no next. */
  exit(member: Member, exit: Exit, delay: number | undefined): void;
  gaveUp(member: Member, exit: Exit): void;
  /** Its standby has ended; the next comes in `delay` milliseconds, undefined: none does. */
  standbyExit(member: Member, exit: Exit, delay: number | undefined): void;
}

export interface MemberHost extends MemberEvents {
  /** A process that can be assigned the name: a spare, or a new one. */
  launch(spec: LaunchSpec, title: string): ChildHandle;
  /** A process was killed before it was ready. */
  killedEarly(spec: LaunchSpec): void;
  /** Descriptors of the pool that each process of the member gets, besides those of its spec. */
  descriptors(member: Member): Readonly<Record<string, number>>;
  /** A process of the member has been assigned, or has ended. */
  changed(member: Member): void;
}

/** A new process that something waits for has so many milliseconds to become ready in any case, */
const LEAST_START_MS = 5_000;
/** and so many times as long as the slowest before it, which may have come up beside others. */
const FAR_LONGER = 2;

/**
 * A name under which a process is kept alive, as {@link ProcessRun} after run. During a replacement there are several: messages
 * go to the current one, the others drain.
 */
export class Member {
  readonly spec: MemberSpec;
  readonly #host: MemberHost;
  readonly #policy: RestartPolicy;
  #wanted = false;
  #current: ProcessRun | undefined;
  readonly #draining = new Set<ProcessRun>();
  /** In whose place another has begun before their end. */
  readonly #halted = new Set<ProcessRun>();
  #replacement: Replacement | undefined;
  /** Where its spec asks for one. */
  readonly #standby: Standby | undefined;
  /** The state while there is no process. */
  #idle: MemberState = 'dead';
  #runs = 0;
  /** The number of the latest that did not wait, or does so no more. */
  #incarnation = 0;
  #backOff: Alarm | undefined;
  #keepsLoop = true;
  #lastExit: Exit | undefined;
  #last = false;
  readonly #exits: Record<string, number> = {};
  /** Milliseconds that the slowest of its processes has taken to become ready. */
  #longestStart = 0;

  constructor(spec: MemberSpec, host: MemberHost) {
    checkOptions(spec, MEMBER_OPTIONS, 'A member');
    const { startTimeout, drainTimeout, detachTimeout } = spec;
    if (startTimeout !== undefined) checkTimeout(startTimeout, 'startTimeout');
    if (drainTimeout !== undefined) checkTimeout(drainTimeout, 'drainTimeout');
    if (detachTimeout !== undefined) checkTimeout(detachTimeout, 'detachTimeout');
    this.spec = spec;
    this.#host = host;
    this.#policy = new RestartPolicy(spec.restart);
    if (spec.exclusive && (spec.standby || spec.earlyRestart))
      throw new ProcessPoolError(
        'ERR_MILLRACE_POOL_ARGUMENT',
        `${spec.name} cannot be exclusive and have ${spec.standby ? 'a standby' : 'an early restart'}: what it was handed would be open in both.`,
        { value: spec.name },
      );
    if (spec.standby)
      this.#standby = new Standby({
        assign: () => this.#newRun(host.launch(spec, standbyTitle(spec)), true),
        mayStandBy: () => this.#wanted && this.isUp && this.#replacement === undefined,
        exit: (exit, delay) => host.standbyExit(this, exit, delay),
      });
  }

  get name(): string {
    return this.spec.name;
  }

  get state(): MemberState {
    const [oldest] = this.#draining;
    return this.#current?.state ?? oldest?.state ?? this.#idle;
  }

  /** Whether the current process has announced that it is ready. */
  get isUp(): boolean {
    return this.#current?.state === 'ready' || this.#current?.state === 'running';
  }

  /** How many processes have had this name, the current one included. */
  get incarnation(): number {
    return this.#incarnation;
  }

  get pid(): number | undefined {
    return this.#current?.pid;
  }

  /** The process that waits for the end of the current one, where the member has a standby. */
  get standbyPid(): number | undefined {
    return this.#standby?.run?.pid;
  }

  /** @internal Sees to it that a standby waits, where the member has one and its process works. */
  fillStandby(): void {
    this.#standby?.fill();
  }

  /** Pids of processes that have been replaced, or have detached themselves, and have not ended yet. */
  get drainingPids(): number[] {
    return [...this.#draining].map(({ pid }) => pid ?? 0);
  }

  /** @internal Of {@link drainingPids}, those for whose end a reload waits; a process that has detached itself is not one of them. */
  get awaitedPids(): number[] {
    return [...this.#draining].flatMap(({ pid, detached }) => (detached ? [] : (pid ?? 0)));
  }

  /** Processes with this name that are not ready yet, a replacement's included; `uptime` in milliseconds. */
  get starting(): readonly { readonly pid: number; readonly uptime: number }[] {
    const now = performance.now();
    const runs = new Set([this.#current, this.#replacement?.run]);
    return [...runs].flatMap((run) =>
      run?.state === 'starting' && run.pid !== undefined
        ? [{ pid: run.pid, uptime: now - run.assignedAt }]
        : [],
    );
  }

  /** Milliseconds since the current process was assigned the name. */
  get uptime(): number | undefined {
    return this.#current && performance.now() - this.#current.assignedAt;
  }

  /** How the process before this one ended. */
  get lastExit(): Exit | undefined {
    return this.#lastExit;
  }

  /** How often each end has come: by code (`'0'`) or signal (`'SIGKILL'`). */
  get exits(): Readonly<Record<string, number>> {
    return this.#exits;
  }

  /** Whether a process is to be kept alive; false once the member was stopped, was given up, or its process asked to be the last. */
  get wanted(): boolean {
    return this.#wanted;
  }

  /** Whether there is no process, and none will be started. */
  get settled(): boolean {
    const hasNone =
      !this.#current && this.#draining.size + this.#halted.size === 0 && (this.#standby?.gone ?? true);
    return !this.#wanted && hasNone && !this.#replacement;
  }

  /** Starts a process; a member that was given up is tried anew. */
  start(): void {
    if (this.#wanted) return;
    this.#wanted = true;
    this.#last = false;
    if (this.#idle === 'given-up') this.#policy.reset();
    this.#idle = 'dead';
    if (this.#current === undefined) this.#begin();
  }

  /**
   * Sends `body` to the current process. False: accepted, but slow down. Undefined: not accepted, since there is no process, or it
   * has not read its control pipe for so long that nothing more fits.
   */
  send(body: unknown): boolean | undefined {
    return this.sendControl({ type: 'message', body });
  }

  /** Sends `body` to every process of this name, starting, draining and waiting ones too; the worst answer of `send` among them. */
  sendAll(body: unknown): boolean | undefined {
    const answers = [this.send(body)];
    // A replacement that still loads gets it after its assignment.
    const { run: next } = this.#replacement ?? {};
    for (const run of [...this.#draining, next, this.#standby?.run])
      if (run !== undefined && run !== this.#current) answers.push(run.child.send({ type: 'message', body }));
    return answers.includes(undefined) ? undefined : !answers.includes(false);
  }

  /** @internal */
  sendControl(message: ToChild): boolean | undefined {
    return this.#current?.child.send(message);
  }

  /** Asks every process of the member to end; `mode` tells them how. None is started again. */
  stop(mode: string): void {
    this.#rest();
    this.#replacement?.cancel();
    this.#current?.stop(mode);
    for (const run of this.#draining) run.stop(mode);
  }

  /** Sends a signal to the current process. */
  kill(signal: NodeJS.Signals): void {
    this.#current?.child.kill(signal);
  }

  /** @internal Whether the back-off before the next start keeps the loop alive; the pool decides about the processes. */
  keepLoop(on: boolean): void {
    this.#keepsLoop = on;
    if (on) this.#backOff?.ref();
    else this.#backOff?.unref();
  }

  /** Resolves when the replacement under way is over; undefined when there is none. */
  get replaced(): Promise<ReplaceResult> | undefined {
    return this.#replacement?.result;
  }

  /**
   * @internal Something waits for the replacement under way: its new process is killed once it has taken far longer to become ready
   * than those before it.
   */
  limitStart(): void {
    this.#replacement?.limitStart(this.startPatience, this.name);
  }

  /** @internal Milliseconds that a new process has to become ready where something waits for its start. */
  get startPatience(): number {
    return Math.max(LEAST_START_MS, this.#longestStart * FAR_LONGER);
  }

  /** Kills every process of the member. */
  killAll(): void {
    this.#replacement?.cancel();
    this.#standby?.kill();
    for (const run of [this.#current, ...this.#draining]) run?.child.kill('SIGKILL');
  }

  /**
   * Replaces the current process: starts a new one, and drains the current one with `mode` once the new one is ready. The new
   * process of an `exclusive` member loads first, and is assigned the name when the current one has ended. Resolves when the
   * new process is ready, or has failed; then the current one stays.
   */
  async replace(mode: string): Promise<ReplaceResult> {
    if (this.#replacement) return { outcome: 'busy' };
    if (!this.#wanted && this.#idle !== 'given-up') return { outcome: 'stopped' };
    const { spec } = this;
    const vacant = this.#current === undefined && this.#draining.size === 0;
    // The replacement is the next try of a member that backs off or was given up.
    this.#backOff?.cancel();
    this.#backOff = undefined;
    if (!this.#wanted) this.#policy.reset();
    this.#wanted = true;
    this.#idle = 'dead';
    // It has loaded what was there before.
    this.#standby?.discard();
    const child = this.#host.launch(spec, spec.title ?? spec.name);
    const replacement = new Replacement(
      child,
      { exclusive: spec.exclusive ?? false, vacant },
      {
        begin: () => this.#newRun(child),
        retire: () => this.#retire(mode),
        promote: (run) => this.#promote(run),
        restart: () => this.#refill(),
        over: () => {
          this.#replacement = undefined;
        },
      },
    );
    this.#replacement = replacement;
    replacement.start();
    return replacement.result;
  }

  /** Drains the current process at its own request, and starts another at once. */
  #detach(run: ProcessRun): void {
    if (run !== this.#current || !this.#wanted || run.state === 'stopping') return;
    this.#current = undefined;
    this.#draining.add(run);
    run.detach();
    // A replacement under way becomes the current process.
    if (this.#replacement?.currentDetached()) return;
    if (!this.spec.exclusive) this.#begin();
  }

  #begin(): void {
    this.#backOff?.cancel();
    this.#backOff = undefined;
    this.#idle = 'dead';
    const { spec } = this;
    const waiting = this.#standby?.take();
    if (waiting !== undefined) this.#incarnation = waiting.number;
    waiting?.begin();
    this.#current = waiting ?? this.#newRun(this.#host.launch(spec, spec.title ?? spec.name));
    this.#host.spawned(this);
  }

  #newRun(child: ChildHandle, waits = false): ProcessRun {
    const { stableAfter } = this.#policy;
    const descriptors = this.#host.descriptors(this);
    const number = ++this.#runs;
    if (!waits) this.#incarnation = number;
    const options = { spec: this.spec, number, stableAfter, descriptors, waits };
    return new ProcessRun(child, options, {
      ready: (run) => this.#ready(run),
      message: (run, message) => this.#onMessage(run, message),
      halted: (run) => this.#haltedEarly(run),
      ended: (run, exit) => this.#ended(run, exit),
    });
  }

  /** Drains the current process; false when there is no process whose end is to be awaited. */
  #retire(mode: string): boolean {
    const run = this.#current;
    this.#current = undefined;
    if (run !== undefined) this.#draining.add(run);
    run?.drain(mode);
    return this.#draining.size > 0;
  }

  #promote(run: ProcessRun): void {
    this.#current = run;
    this.#host.spawned(this);
  }

  #ready(run: ProcessRun): void {
    this.#longestStart = Math.max(this.#longestStart, performance.now() - run.assignedAt);
    this.#policy.wasReady();
    this.#replacement?.ready(run);
    if (run === this.#current) this.#host.ready(this);
  }

  #onMessage(run: ProcessRun, message: ToMember): void {
    if (message.type === 'detach') this.#detach(run);
    else if (message.type === 'last') this.#last ||= run === this.#current;
    else if (message.type !== 'replace' || run === this.#current) this.#host.message(this, message);
  }

  /** The next process begins, unless something else depends on how this one ends. */
  #haltedEarly(run: ProcessRun): void {
    if (run !== this.#current || run.pid === undefined || !this.isUp || !this.#wanted) return;
    if (this.#replacement !== undefined || this.#last || !this.#policy.restartsAtOnce) return;
    this.#current = undefined;
    this.#halted.add(run);
    this.#host.halted(this, run.pid);
    if (this.#needsProcess) this.#begin();
  }

  #ended(run: ProcessRun, exit: Exit): void {
    if (!this.#standby?.ended(run, exit)) this.#settleEnd(run, exit);
    this.#host.changed(this);
  }

  #settleEnd(run: ProcessRun, exit: Exit): void {
    const end = exit.signal ?? String(exit.code);
    this.#exits[end] = (this.#exits[end] ?? 0) + 1;
    if (this.#halted.delete(run)) this.#haltedEnded(exit);
    else if (this.#draining.delete(run)) this.#drainingEnded(exit);
    else if (run === this.#current) this.#currentEnded(exit);
    // A replacement that failed: the current process stays, unless it has ended meanwhile.
    else {
      this.#replacement?.failed(exit);
      this.#restartOrRest(exit);
    }
  }

  /** Another has begun in its place already: what its end says counts for the next. */
  #haltedEnded(exit: Exit): void {
    this.#lastExit = exit;
    this.#policy.decide(exit, performance.now());
    this.#host.exit(this, exit, this.#wanted ? 0 : undefined);
  }

  #drainingEnded(exit: Exit): void {
    this.#host.exit(this, exit, undefined);
    if (this.#replacement) this.#replacement.drainingEnded();
    else this.#refill();
  }

  /** Starts a process if the member should have one and none is left. */
  #refill(): void {
    if (this.#needsProcess && this.#draining.size === 0) this.#begin();
  }

  get #needsProcess(): boolean {
    return this.#wanted && this.#current === undefined && this.#backOff === undefined;
  }

  #currentEnded(exit: Exit): void {
    this.#current = undefined;
    this.#lastExit = exit;
    const taken = this.#replacement?.takesOver ?? false;
    if (taken) this.#host.exit(this, exit, 0);
    this.#replacement?.currentEnded(exit);
    if (!taken) this.#restartOrRest(exit);
  }

  /** Starts another process, rests or gives up, as the policy decides. */
  #restartOrRest(exit: Exit): void {
    if (!this.#needsProcess) return this.#host.exit(this, exit, undefined);
    if (!exit.wasReady && causeOf(exit) === 'killed') this.#host.killedEarly(this.spec);
    const decision = this.#policy.decide(exit, performance.now());
    if (!this.#last && decision.action === 'restart') return this.#beginIn(decision.delay, exit);
    const gaveUp = !this.#last && decision.action === 'give-up';
    this.#rest();
    if (gaveUp) this.#idle = after(this.#idle, 'give-up') ?? this.#idle;
    this.#host.exit(this, exit, undefined);
    if (gaveUp) this.#host.gaveUp(this, exit);
  }

  #beginIn(delay: number, exit: Exit): void {
    // Set before the event, whose handler may stop or replace the member.
    this.#backOff = new Alarm(delay, () => this.#begin());
    this.keepLoop(this.#keepsLoop);
    this.#host.exit(this, exit, delay);
    if (delay === 0 && this.#backOff !== undefined) this.#begin();
  }

  #rest(): void {
    this.#wanted = false;
    this.#standby?.discard();
    this.#backOff?.cancel();
    this.#backOff = undefined;
    this.#idle = 'dead';
  }
}
