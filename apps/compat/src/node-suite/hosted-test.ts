/** How the processes of a server that runs a test are told of it. */
export const VARIABLE = 'NODE_SUITE_HOSTED';

/** A test that is run as the program of a server. */
export interface HostedTest {
  readonly file: string;
  readonly mode: 'process' | 'base';
  /** What reads the requests of its servers. */
  readonly engine: 'node' | 'lean';
  /** A file that says, once there is one, by which code it has ended. */
  readonly ended: string;
  /** The process that has started the server. */
  readonly runner: number;
}
