import { Alarm, checkOptions, checkTimeout } from '@millrace/channel';
import type { Exit } from '../launch/exit.js';
import type { Incarnation } from '../launch/incarnation.js';
import { RestartPolicy } from '../launch/restart-policy.js';
import { type LaunchSpec, MEMBER_OPTIONS, type MemberSpec } from '../launch/spec.js';
import type { ToChild, ToMember, ToPool } from '../wire/protocol.js';
import { Life } from './life.js';
import { Replacement, type ReplaceResult } from './replacement.js';
import { after, type MemberState } from './state.js';

export interface MemberEvents {
  /** A process has been given the member's name. */
  spawned(member: Member): void;
  ready(member: Member): void;
  said(member: Member, message: ToPool): void;
  /** A process has ended; `delay` is how long the next waits to start, undefined when there is no next. */
  exit(member: Member, exit: Exit, delay: number | undefined): void;
  gaveUp(member: Member, exit: Exit): void;
}

export interface MemberHost extends MemberEvents {
  /** A process that can be given the name: a spare, or a new one. */
  launch(spec: LaunchSpec, title: string): Incarnation;
  /** What each process of the member is given beyond the descriptors of its spec. */
  descriptors(member: Member): Readonly<Record<string, number>>;
  /** Its processes have changed; there may be one less. */
  changed(member: Member): void;
}

/**
 * A name under which a process is kept alive, through all its lives. While one process takes the place of another
 * there are two; the present one is the one that is spoken to, those before it are on their way out.
 */
export class Member {
  readonly spec: MemberSpec;
  readonly #host: MemberHost;
  readonly #policy: RestartPolicy;
  #wanted = false;
  #life: Life | undefined;
  readonly #former = new Set<Life>();
  #replacement: Replacement | undefined;
  /** While there is no process at all. */
  #idle: MemberState = 'dead';
  #lives = 0;
  #backOff: Alarm | undefined;
  #keepsLoop = true;
  #lastExit: Exit | undefined;
  #last = false;
  readonly #exits: Record<string, number> = {};

  constructor(spec: MemberSpec, host: MemberHost) {
    checkOptions(spec, MEMBER_OPTIONS, 'A member');
    const { startTimeout, drainTimeout, detachTimeout } = spec;
    if (startTimeout !== undefined) checkTimeout(startTimeout, 'startTimeout');
    if (drainTimeout !== undefined) checkTimeout(drainTimeout, 'drainTimeout');
    if (detachTimeout !== undefined) checkTimeout(detachTimeout, 'detachTimeout');
    this.spec = spec;
    this.#host = host;
    this.#policy = new RestartPolicy(spec.restart);
  }

  get name(): string {
    return this.spec.name;
  }

  get state(): MemberState {
    const [former] = this.#former;
    return this.#life?.state ?? former?.state ?? this.#idle;
  }

  /** Whether the present process has said that it is ready. */
  get isUp(): boolean {
    return this.#life?.state === 'ready' || this.#life?.state === 'running';
  }

  /** How many processes have had this name, the present one included. */
  get incarnation(): number {
    return this.#lives;
  }

  get pid(): number | undefined {
    return this.#life?.pid;
  }

  /** Pids of processes whose place has been taken, and which have not ended yet. */
  get formerPids(): number[] {
    return [...this.#former].map(({ pid }) => pid ?? 0);
  }

  /** @internal Those of them whose end a reload waits for: what has detached itself has its own time. */
  get drainingPids(): number[] {
    return [...this.#former].flatMap(({ pid, detached }) => (detached ? [] : (pid ?? 0)));
  }

  /** Processes that have the name, or are about to, and have not said that they are ready; with their age in milliseconds. */
  get starting(): readonly { readonly pid: number; readonly uptime: number }[] {
    const now = performance.now();
    const lives = new Set([this.#life, this.#replacement?.life]);
    return [...lives].flatMap((life) =>
      life?.state === 'starting' && life.pid !== undefined
        ? [{ pid: life.pid, uptime: now - life.bornAt }]
        : [],
    );
  }

  /** Milliseconds since the present process was given the name. */
  get uptime(): number | undefined {
    return this.#life && performance.now() - this.#life.bornAt;
  }

  /** How the process before this one ended. */
  get lastExit(): Exit | undefined {
    return this.#lastExit;
  }

  /** How often each end has come: by code (`'0'`) or signal (`'SIGKILL'`). */
  get exits(): Readonly<Record<string, number>> {
    return this.#exits;
  }

  /** Whether it is to have a process; false once it has been stopped, given up, or has had its last. */
  get wanted(): boolean {
    return this.#wanted;
  }

  /** Whether there is no process, and none will come. */
  get settled(): boolean {
    return !this.#wanted && !this.#life && this.#former.size === 0 && !this.#replacement;
  }

  /** Gives it a process; one that was given up gets another chance. */
  start(): void {
    if (this.#wanted) return;
    this.#wanted = true;
    this.#last = false;
    if (this.#idle === 'given-up') this.#policy.reset();
    this.#idle = 'dead';
    if (this.#life === undefined) this.#begin();
  }

  /** Says `body` to the process; false when there is none, or it has not listened for very long. */
  send(body: unknown): boolean {
    return this.tell({ type: 'message', body });
  }

  /** The same to every process of this name, also to those on their way in and out; false when one could not be told. */
  sendAll(body: unknown): boolean {
    let all = this.send(body);
    // One that is to take the place of the present one is there as well, and hears of it when it can.
    const { life: next } = this.#replacement ?? {};
    for (const life of [...this.#former, next])
      if (life !== undefined && life !== this.#life)
        all = life.incarnation.tell({ type: 'message', body }) && all;
    return all;
  }

  /** @internal */
  tell(message: ToChild): boolean {
    return this.#life?.incarnation.tell(message) ?? false;
  }

  /** Asks the process to end, in the manner `mode`; it is not started again. */
  stop(mode: string): void {
    this.#rest();
    this.#replacement?.cancel();
    this.#life?.stop(mode);
    for (const life of this.#former) life.stop(mode);
  }

  /** Sends the present process a signal. */
  kill(signal: NodeJS.Signals): void {
    this.#life?.incarnation.kill(signal);
  }

  /** @internal Whether the wait for the next process keeps the loop alive; of the processes the pool decides. */
  keepLoop(on: boolean): void {
    this.#keepsLoop = on;
    if (on) this.#backOff?.ref();
    else this.#backOff?.unref();
  }

  /** Resolves when the replacement that is under way has come to its end; undefined when there is none. */
  get replaced(): Promise<ReplaceResult> | undefined {
    return this.#replacement?.result;
  }

  /** Kills every process that the member still has. */
  killAll(): void {
    this.#replacement?.cancel();
    for (const life of [this.#life, ...this.#former]) life?.incarnation.kill('SIGKILL');
  }

  /**
   * Puts a new process in the place of the present one, which is told to go, in the manner `mode`, when the new one is
   * ready; a member that is `exclusive` gets the new one, loaded by then, when the present one has ended. Resolves
   * when the new one is ready, or has failed to become so: then the present one stays.
   */
  async replace(mode: string): Promise<ReplaceResult> {
    if (this.#replacement) return { outcome: 'busy' };
    if (!this.#wanted && this.#idle !== 'given-up') return { outcome: 'stopped' };
    const { spec } = this;
    const alone = this.#life === undefined && this.#former.size === 0;
    // It waits for its next try, or gets no more: it has one now.
    this.#backOff?.cancel();
    this.#backOff = undefined;
    if (!this.#wanted) this.#policy.reset();
    this.#wanted = true;
    this.#idle = 'dead';
    const incarnation = this.#host.launch(spec, spec.title ?? spec.name);
    const replacement = new Replacement(
      incarnation,
      { exclusive: spec.exclusive ?? false, alone },
      {
        begin: () => this.#newLife(incarnation),
        retire: () => this.#retire(mode),
        promote: (life) => this.#promote(life),
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

  /** Lets the present process go where it will, and starts another at once. */
  #detach(life: Life): void {
    if (life !== this.#life || !this.#wanted || life.state === 'stopping') return;
    this.#life = undefined;
    this.#former.add(life);
    life.detach();
    // One that is started already takes the place that is free now.
    if (this.#replacement?.presentLeaves()) return;
    if (!this.spec.exclusive) this.#begin();
  }

  #begin(): void {
    this.#backOff?.cancel();
    this.#backOff = undefined;
    this.#idle = 'dead';
    const { spec } = this;
    this.#life = this.#newLife(this.#host.launch(spec, spec.title ?? spec.name));
    this.#host.spawned(this);
  }

  #newLife(incarnation: Incarnation): Life {
    const { stableAfter } = this.#policy;
    const descriptors = this.#host.descriptors(this);
    const options = { spec: this.spec, number: ++this.#lives, stableAfter, descriptors };
    return new Life(incarnation, options, {
      ready: (life) => this.#ready(life),
      stable: () => {},
      said: (life, message) => this.#said(life, message),
      ended: (life, exit) => this.#ended(life, exit),
    });
  }

  /** The present process becomes one of the former; false when there is none of those. */
  #retire(mode: string): boolean {
    const life = this.#life;
    this.#life = undefined;
    if (life !== undefined) this.#former.add(life);
    life?.drain(mode);
    return this.#former.size > 0;
  }

  #promote(life: Life): void {
    this.#life = life;
    this.#host.spawned(this);
  }

  #ready(life: Life): void {
    this.#policy.wasReady();
    this.#replacement?.ready(life);
    if (life === this.#life) this.#host.ready(this);
  }

  #said(life: Life, message: ToMember): void {
    if (message.type === 'detach') this.#detach(life);
    else if (message.type === 'last') this.#last ||= life === this.#life;
    else if (message.type !== 'replace' || life === this.#life) this.#host.said(this, message);
  }

  #ended(life: Life, exit: Exit): void {
    const end = exit.signal ?? String(exit.code);
    this.#exits[end] = (this.#exits[end] ?? 0) + 1;
    this.#endOf(life, exit);
    this.#host.changed(this);
  }

  #endOf(life: Life, exit: Exit): void {
    if (this.#former.delete(life)) this.#formerEnded(exit);
    else if (life === this.#life) this.#presentEnded(exit);
    // It was to take the place of the present one, which stays, unless it has left by now.
    else {
      this.#replacement?.failed(exit);
      this.#goOn(exit);
    }
  }

  #formerEnded(exit: Exit): void {
    this.#host.exit(this, exit, undefined);
    if (this.#replacement) this.#replacement.formerEnded();
    else this.#refill();
  }

  /** Starts another if nobody is there any more, and nobody is waited for. */
  #refill(): void {
    if (this.#lacksOne && this.#former.size === 0) this.#begin();
  }

  get #lacksOne(): boolean {
    return this.#wanted && this.#life === undefined && this.#backOff === undefined;
  }

  #presentEnded(exit: Exit): void {
    this.#life = undefined;
    this.#lastExit = exit;
    const taken = this.#replacement?.takesOver ?? false;
    if (taken) this.#host.exit(this, exit, 0);
    this.#replacement?.presentEnded(exit);
    if (!taken) this.#goOn(exit);
  }

  /** Has another process come, if there is none and the policy agrees. */
  #goOn(exit: Exit): void {
    if (!this.#lacksOne) return this.#host.exit(this, exit, undefined);
    const decision = this.#policy.decide(exit, performance.now());
    if (!this.#last && decision.action === 'restart') return this.#beginIn(decision.delay, exit);
    const gaveUp = !this.#last && decision.action === 'give-up';
    this.#rest();
    if (gaveUp) this.#idle = after(this.#idle, 'give-up') ?? this.#idle;
    this.#host.exit(this, exit, undefined);
    if (gaveUp) this.#host.gaveUp(this, exit);
  }

  #beginIn(delay: number, exit: Exit): void {
    // Before the event: whoever hears of it may stop the member, or replace what is not there.
    this.#backOff = new Alarm(delay, () => this.#begin());
    this.keepLoop(this.#keepsLoop);
    this.#host.exit(this, exit, delay);
    if (delay === 0 && this.#backOff !== undefined) this.#begin();
  }

  #rest(): void {
    this.#wanted = false;
    this.#backOff?.cancel();
    this.#backOff = undefined;
    this.#idle = 'dead';
  }
}
