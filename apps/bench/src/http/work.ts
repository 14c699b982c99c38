/** Before that is measured: V8 compiles what is hot. */
export const WARM_UP_MS = 1_000;

/** What a client of the suite `http` is to do. */
export interface HttpWork {
  readonly host: string;
  readonly port: number;
  readonly connections: number;
  /** Milliseconds that are measured. */
  readonly windowMs: number;
  /** The root of the server's processes. */
  readonly pid: number;
  /** `'http'`: GET, one after the other on each connection. `'ws'`: upgrade, then an echo of 64 bytes. Default `'http'`. */
  readonly kind?: 'http' | 'ws';
  /** What comes before a client's command: see namespace.ts. Default: nothing. */
  readonly inside?: readonly string[];
}
