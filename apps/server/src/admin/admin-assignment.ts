import type { Topology } from '../links/topology.js';

/** What the admin process may have a process be sent: to end, to be stopped as in a drill, and to go on. */
export const ADMIN_SIGNALS = ['SIGKILL', 'SIGTERM', 'SIGSTOP', 'SIGCONT'] as const;
export type AdminSignal = (typeof ADMIN_SIGNALS)[number];

/** Interrupts a process whose loop does not turn, which is to look into itself: see diagnosis.ts. Elsewhere it is ignored. */
export const INTERRUPTION = 'SIGURG';

/** The sockets that the admin process is handed, by the names of their descriptors. */
export const ADMIN_SOCKET = 'admin';
export const ADMIN_TCP_SOCKET = 'admin.tcp';

/** A listener as far as the admin process tells of it. */
export interface AdminListener {
  readonly type: 'stream' | 'datagram';
  readonly protocol: string;
  readonly tls: boolean;
  /** Undefined where a program says later where it listens. */
  readonly host?: string | undefined;
  readonly path?: string | undefined;
  /** It has the socket from another program. */
  readonly inherited: boolean;
  readonly late: boolean;
}

/** What the admin process is told when it is started. */
export interface AdminAssignment {
  readonly name: string;
  readonly title: string;
  readonly mode: 'process' | 'base';
  readonly httpEngine: 'node' | 'lean';
  readonly topology: Topology;
  /** The descriptors of the memories of the program's metrics. */
  readonly registries: readonly string[];
  readonly listeners: readonly AdminListener[];
  /** Where it is served over TCP. */
  readonly address?: { readonly host: string; readonly port: number } | undefined;
  /** SHA-256 of the token that clients of TCP have to know, in hexadecimal. */
  readonly tokenHash?: string | undefined;
  /** Whose rights it runs with; undefined: the master's. */
  readonly user?: string | number | undefined;
  readonly group?: string | number | undefined;
  readonly maxWaitTime: number;
  readonly maxClientMemory: number;
  /** The names of the option `tasks`. */
  readonly tasks: readonly string[];
  /** Of each process that asks for tasks. */
  readonly taskMaxQueue: number;
}
