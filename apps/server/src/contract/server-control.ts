import type { PeerId } from './ids.js';
import type { ReloadOptions, ReloadResult } from './reload.js';
import type { ScaleOptions, ScaleResult } from './scale.js';

/** How a process has the server end, or its processes replaced; the master and the manager do it, the others ask for it. */
export interface ServerControl {
  /** Puts new processes in the places of the workers. */
  reload(options: ReloadOptions): Promise<ReloadResult>;
  /** Puts a new process in the place of the one with that flat id. */
  stopWorker(peer: PeerId): Promise<ReloadResult>;
  /** Has more or fewer workers and task workers from then on. */
  scale(options: ScaleOptions): Promise<ScaleResult>;
  /** Ends the whole server. */
  shutdown(): Promise<void>;
  /** Has every process open the log file anew. */
  reopenLog(): void;
  /** Has keys and certificates read anew. */
  reloadCertificates(): void;
  /**
   * Which process has the name of a peer. Those that have more rights than the processes they share memory with look themselves: what
   * stands there may be a lie, and handlers of the program may send a signal to that pid.
   */
  pidOf(peer: PeerId): number | undefined;
}
