import type { PeerId } from '../contract/ids.js';
import { WorkerLink } from './worker-link.js';

/** The way to a process that another has replaced as its worker, while it finishes connections. */
export class AsideLink<Sender> extends WorkerLink<Sender> {
  override readonly peer: PeerId;

  /** `peer`: what that process is to reactor threads. */
  constructor(peer: PeerId, ...parts: ConstructorParameters<typeof WorkerLink<Sender>>) {
    super(...parts);
    this.peer = peer;
  }

  /** What that worker has under way, and its connections, are counted of the process that has its place. */
  protected override count(): void {}
}
