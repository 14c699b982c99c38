import type { ChildProcessContext } from '@millrace/process-pool';
import type { FromWorker } from '../contract/control-messages.js';
import type { PeerId, RoleName } from '../contract/ids.js';
import type { ReloadOptions, ReloadResult } from '../contract/reload.js';
import type { ScaleOptions, ScaleResult } from '../contract/scale.js';
import type { ServerControl } from '../contract/server-control.js';
import { ProcessPids } from '../process/process-pids.js';
import { wrongRole } from '../process/wrong-role.js';
import type { Counters } from '../shared/counters.js';

/** Asks the manager, and does not wait until it has been done: the asker may be one of those that end by it. */
export class ManagerRequests implements ServerControl {
  readonly #child: Pick<ChildProcessContext, 'send'>;
  readonly #role: RoleName;
  readonly #counters: () => Counters;

  constructor(child: Pick<ChildProcessContext, 'send'>, role: RoleName, counters: () => Counters) {
    this.#child = child;
    this.#role = role;
    this.#counters = counters;
  }

  async reload({ tasksOnly = false }: ReloadOptions): Promise<ReloadResult> {
    this.#ask({ type: 'reload', options: { tasksOnly } });
    return { outcome: 'requested' };
  }

  async stopWorker(worker: PeerId): Promise<ReloadResult> {
    this.#ask({ type: 'stopWorker', worker });
    return { outcome: 'requested' };
  }

  async scale(options: ScaleOptions): Promise<ScaleResult> {
    this.#ask({ type: 'scale', options });
    return { outcome: 'requested' };
  }

  async shutdown(): Promise<void> {
    this.#ask({ type: 'shutdown' });
  }

  reopenLog(): void {
    throw wrongRole('reopenLog', 'the master and the manager', this.#role);
  }

  reloadCertificates(): void {
    this.#ask({ type: 'reloadCertificates' });
  }

  pidOf(peer: PeerId): number | undefined {
    return new ProcessPids(this.#counters()).get(peer);
  }

  #ask(message: FromWorker): void {
    this.#child.send(message);
  }
}
