/** What a load client is to do, and what it tells: between the client's process and the suites. */
export interface Work {
  readonly port: number;
  /** Open connections, each with `depth` messages in flight all the time. */
  readonly connections: number;
  /** Messages in flight on each connection. Default 1. */
  readonly depth?: number;
  /** Bytes of a message, what frames it not counted: a multiple of 4, 8 at least. */
  readonly bytes: number;
  /** `'length'`: a 4-byte length before each message. `'none'`: the message alone. */
  readonly framing: 'length' | 'none';
  /** Connections that are open beside and send nothing. Default 0. */
  readonly idle?: number;
  /** Milliseconds that are measured, */
  readonly windowMs: number;
  /** and before that. Default 500. */
  readonly warmUpMs?: number;
  /** The root of the server's processes. */
  readonly pid: number;
  /** How many of them have clients, where it is to be told how these are shared among them. Default: it is not. */
  readonly workers?: number;
  /** Whether each of `workers` is to have as many. Default: as it comes. */
  readonly evenly?: boolean;
  /**
   * What is to be done on the connections. `'messages'`: send, wait for the answer, send again. `'connections'`: for
   * each message a connection of its own. Default `'messages'`.
   */
  readonly kind?: 'messages' | 'connections';
}

export interface LoadResult {
  readonly [metric: string]: number;
  /** Answers per second. */
  readonly rate: number;
  /** Latencies, in microseconds. */
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  /** Microseconds of processor time that all processes of the server took for one message. */
  readonly cpu: number;
  /** The same, of the client. */
  readonly clientCpu: number;
  /** Bytes of the root process's resident memory for each idle connection; 0 without any. */
  readonly idleBytes: number;
  /** Busy connections of the process that has most of them; 0 without `workers`. */
  readonly mostClients: number;
}
