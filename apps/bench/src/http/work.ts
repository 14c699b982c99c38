/**
 * Before that is measured: V8 compiles what is hot. In the second and third second it still compiles about 45 and 10 functions of a program that is
 * lean, of 250 in all; after that next to none.
 */
export const WARM_UP_MS = 3_000;

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
  /** Header fields of each request, beside its host. Default: none. */
  readonly fields?: readonly string[];
  /** What comes before a client's command: see namespace.ts. Default: nothing. */
  readonly inside?: readonly string[];
}

/** What a browser says with each request of a page. */
export const BROWSER_FIELDS: readonly string[] = [
  'User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
  'Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',
  'Accept-Language: en-US,en;q=0.5',
  'Accept-Encoding: gzip, deflate, br, zstd',
  'Connection: keep-alive',
  'Upgrade-Insecure-Requests: 1',
  'Sec-Fetch-Dest: document',
  'Sec-Fetch-Mode: navigate',
  'Sec-Fetch-Site: none',
];
