import type {
  Claim,
  HostBroker,
  HostEvents,
  Renewal,
  Reply,
  Settled,
  Settlement,
  TaskEngine,
} from '@millrace/task-broker';
import { valueBody } from '@millrace/task-broker';

/** An engine in this process with a host's end alone, which a test gives tasks and asks what became of them. */
export class FakeEngine implements TaskEngine {
  readonly name = 'Fake';
  readonly lacks = [];
  readonly recipe = { module: 'file:///nowhere.js', options: {} };
  readonly settled: { readonly id: string; readonly settlement: Settlement; readonly another: boolean }[] =
    [];
  readonly replies: Reply[] = [];
  /** Requests for tasks that wait. */
  readonly waiting = new Set<(claim: Claim | undefined) => void>();
  /** A request is not taken back when its signal is aborted: a task may still come to it. */
  keepsRequests = false;
  closed = false;
  #claims = 0;

  caller(): never {
    throw new Error('This engine has hosts alone.');
  }

  host(): HostBroker {
    return new FakeHost(this);
  }

  /** Gives a task to a request that waits. */
  give(name: string, value?: unknown, more: Partial<Claim> = {}): string {
    const [take] = this.waiting;
    if (take === undefined) throw new Error('No request for a task waits.');
    const number = this.#claims++;
    const id = `task-${number}`;
    const claim = {
      id,
      number,
      name,
      body: valueBody(value),
      attempt: 1,
      replyTo: 'caller',
      retries: 0,
      stream: false,
    };
    take({ ...claim, expiresAt: undefined, ...more });
    return id;
  }

  fateOf(id: string): Settlement | undefined {
    return this.settled.find((each) => each.id === id)?.settlement;
  }
}

class FakeHost implements HostBroker {
  readonly address = 'host';
  readonly renewEvery = 1_000;
  readonly #engine: FakeEngine;

  constructor(engine: FakeEngine) {
    this.#engine = engine;
  }

  async open(events: HostEvents): Promise<void> {
    events.connected();
  }

  now(): number {
    return Date.now();
  }

  claim(signal: AbortSignal): Promise<Claim | undefined> {
    const { waiting, keepsRequests } = this.#engine;
    return new Promise((resolve) => {
      const take = (claim: Claim | undefined) => {
        waiting.delete(take);
        resolve(claim);
      };
      if (signal.aborted) return take(undefined);
      waiting.add(take);
      if (!keepsRequests) signal.addEventListener('abort', () => take(undefined), { once: true });
    });
  }

  async renew(): Promise<Renewal> {
    return { lost: [], cancelled: [] };
  }

  async settle({ id }: Claim, settlement: Settlement, another: boolean, answer?: Reply): Promise<Settled> {
    this.#engine.settled.push({ id, settlement, another });
    if (answer !== undefined) this.#engine.replies.push(answer);
    return { held: true, next: undefined };
  }

  async reply(_claim: Claim, reply: Reply): Promise<void> {
    this.#engine.replies.push(reply);
  }

  progress(): boolean {
    return true;
  }

  async report(): Promise<void> {}

  async close(): Promise<void> {
    this.#engine.closed = true;
  }
}
