import { Alarm } from '@millrace/channel/internal';
import type { ChildProcessContext } from '@millrace/process-pool';
import { TaskError } from '@millrace/task-pool';
import type { WorkerId } from '../contract/ids.js';
import { Packet, RETIRE } from '../links/packet.js';
import type { PacketChannel } from '../links/packet-channel.js';
import type { Topology } from '../links/topology.js';
import type { RoleContext } from '../process/role-context.js';
import type { RoleLease } from '../process/role-lease.js';
import { terminateProgram } from '../process/termination.js';
import type { SessionGateway } from '../sessions/session-gateway.js';
import type { Asker } from '../tasks/asker.js';
import { AsideLinks } from './aside-links.js';
import type { ServedSessions } from './served-sessions.js';
import type { Sessions } from './sessions.js';

/** The part of `maxWaitTime`, at its end, in which what is left is told that it ends: WebSockets one after the other, for their clients come anew. */
export const ENDING_PART = 1 / 3;

export interface RetirementParts {
  readonly context: RoleContext;
  readonly child: ChildProcessContext;
  readonly topology: Topology;
  readonly id: WorkerId;
  readonly lease: RoleLease;
  readonly gateway: SessionGateway;
  readonly served: ServedSessions;
  readonly sessions: Sessions;
  readonly tasks: Asker;
  /** The links of the place. */
  readonly channels: readonly PacketChannel[];
  /** Asks the manager for the aside links. */
  readonly ask: () => void;
  /** What was sent to this process by its main links has been read. */
  readonly onRead: () => void;
  /** What comes by them makes no sense. */
  readonly onCorrupt: (error: Error) => void;
}

/**
 * How a worker gives its place up whose connections keep something in it:
 *
 *   the aside links are its own → tells the reactor threads, and reads what they had sent before → its tasks are settled →
 *   gives the place up → its connections go to the next process, each once it is between two requests → none is left, or time
 *   is nearly up: the program is told as by SIGTERM
 */
export class Retirement {
  readonly #parts: RetirementParts;
  #granted: () => void = () => {};
  #aside: AsideLinks | undefined;
  #isProgramTold = false;

  constructor(parts: RetirementParts) {
    this.#parts = parts;
  }

  /** Whether what this process sends goes by the aside links. */
  get isAside(): boolean {
    return this.#aside !== undefined;
  }

  /** Whether the program was told as by SIGTERM, and acts on that. */
  get isProgramTold(): boolean {
    return this.#isProgramTold;
  }

  /** The aside links are this process's. */
  granted(): void {
    this.#granted();
  }

  /** Where what is sent to that reactor thread goes, and what it answers comes from. */
  channel(reactor: number): PacketChannel | undefined {
    return this.#aside?.channels[reactor];
  }

  /** Resolves when the place is another process's and no connection is left here. */
  async run(): Promise<void> {
    const { context, lease, sessions, served, tasks, channels, onRead } = this.#parts;
    const begun = performance.now();
    const aside = await this.#open();
    await sessions.retire();
    onRead();
    // Their results come by links of the place, and so do messages.
    await tasks.settled();
    tasks.refuse(replaced());
    await context.messages.flush();
    await context.messages.stop();
    await Promise.all(channels.map((channel) => channel.drained()));
    lease.release();
    served.retire();
    const late = this.#endInTime(begun);
    await served.untilGone();
    late.cancel();
    this.#tellProgram();
    await aside.close();
  }

  async #open(): Promise<AsideLinks> {
    const { child, topology, id, gateway, sessions, channels, ask, onCorrupt } = this.#parts;
    const granted = new Promise<void>((resolve) => {
      this.#granted = resolve;
    });
    ask();
    await granted;
    const aside = new AsideLinks(child, { topology, id }, onCorrupt);
    this.#aside = aside;
    // In one turn: what is sent behind RETIRE is read by the other link only.
    for (const channel of channels) channel.send(new Packet().set(RETIRE, 0, process.pid));
    gateway.moveTo(aside.channels, aside.fileSockets);
    aside.listen((message, reactor) => sessions.received(message, reactor));
    return aside;
  }

  /** What would end only by itself has the last part of the time for that. */
  #endInTime(begun: number): Alarm {
    const { context, served } = this.#parts;
    const { maxWaitTime } = context.options;
    const part = maxWaitTime * ENDING_PART;
    const left = begun + maxWaitTime - part - performance.now();
    const end = () => {
      this.#tellProgram();
      served.goAway(part);
    };
    return new Alarm(Math.max(0, left), end).unref();
  }

  /** Not while requests are in hand that end by themselves: most programs close what those need, or exit. */
  #tellProgram(): void {
    this.#isProgramTold ||= terminateProgram();
  }
}

/** The links to task workers are the next process's: what both ask would have one number. */
function replaced(): TaskError {
  const message =
    'This process was replaced, and only finishes the requests that it has: the task workers answer the next one. Ask for tasks before what ' +
    'takes long, or answer 503, so that the client comes again.';
  return new TaskError('ERR_MILLRACE_TASK_CLIENT_CLOSED', message);
}
