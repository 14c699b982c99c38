import type { ChildProcessContext } from '@millrace/process-pool';
import type { FromAdmin, ToAdmin } from '../contract/control-messages.js';
import type { DiagnosisKind } from '../contract/diagnosis.js';
import type { PeerId } from '../contract/ids.js';
import type { ReloadResult } from '../contract/reload.js';
import type { ScaleOptions, ScaleResult } from '../contract/scale.js';
import type { AdminSignal, INTERRUPTION } from './admin-assignment.js';

/** Answers that are waited for, of all clients together. */
const MOST_REQUESTS = 32;

type Answer = Extract<ToAdmin, { readonly request: number }>;

/** What is to be done is said to the master, by the control pipe of this process. */
export class MasterLink {
  readonly #child: ChildProcessContext;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #next = 0;

  constructor(child: ChildProcessContext) {
    this.#child = child;
    child.onMessage((body) => {
      const answer = body as Answer;
      const settle = this.#waiting.get(answer.request);
      this.#waiting.delete(answer.request);
      settle?.(answer);
    });
  }

  /** Whether as many answers are waited for as may be. */
  get isFull(): boolean {
    return this.#waiting.size >= MOST_REQUESTS;
  }

  async reload(tasksOnly: boolean): Promise<ReloadResult> {
    const answer = await this.#ask((request) => ({ type: 'reload', request, options: { tasksOnly } }));
    return answer.type === 'reloaded' ? answer.result : { outcome: 'stopped', replaced: 0 };
  }

  async scale(options: ScaleOptions): Promise<ScaleResult> {
    const answer = await this.#ask((request) => ({ type: 'scale', request, options }));
    return answer.type === 'scaled' ? answer.result : { outcome: 'requested' };
  }

  /** Whether that process was there. */
  async signal(
    peer: PeerId | undefined,
    pid: number,
    signal: AdminSignal | typeof INTERRUPTION,
  ): Promise<boolean> {
    const answer = await this.#ask((request) => ({ type: 'signal', request, peer, pid, signal }));
    return answer.type === 'signalled' && answer.sent;
  }

  /** Has a process look into itself; the number of the order, undefined: that process was not there. */
  async diagnose(peer: PeerId, pid: number, kind: DiagnosisKind): Promise<number | undefined> {
    const answer = await this.#ask((request) => ({ type: 'diagnosis', request, peer, pid, kind }));
    // What is not set comes as null.
    return answer.type === 'diagnosing' ? (answer.order ?? undefined) : undefined;
  }

  stop(): void {
    this.#child.send({ type: 'shutdown' } satisfies FromAdmin);
  }

  #ask(message: (request: number) => FromAdmin): Promise<Answer> {
    const request = this.#next++;
    return new Promise((resolve) => {
      this.#waiting.set(request, resolve);
      this.#child.send(message(request));
    });
  }
}
