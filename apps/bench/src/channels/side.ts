/**
 * What a message is in a measurement: bytes, or an object of which `body` makes up the size; `'records'`: such an object
 * whose property names both ends know beforehand, which only ours can use.
 */
export type Kind = 'bytes' | 'values' | 'records';
export type Message = Uint8Array | Value;

export interface Value {
  readonly last: boolean;
  readonly id: number;
  readonly body: string;
}

/** Bytes of a value beside its body, as MessagePack has them, roughly. */
const VALUE_OVERHEAD = 24;

/** One end of any mechanism that is measured, in the form that the measurement uses. */
export interface Side {
  /** False: wait for `drained` before the next one. Undefined: it is closed. */
  send(message: Message): boolean | undefined;
  drained(): Promise<void>;
  onMessage(listener: (message: Message) => void): void;
  close(): void;
}

export interface SideOptions {
  readonly kind: Kind;
  /** Most microseconds to spin before sleeping; only rings can. */
  readonly spin: number;
}

/** A mechanism: how the measuring process starts its peer, and how the peer gets at its end. */
export interface Mechanism {
  start(peer: URL, args: readonly string[], options: SideOptions): Promise<Side>;
  open(options: SideOptions): Promise<Side>;
}

export function makeMessage(kind: Kind, size: number, last: boolean): Message {
  if (kind === 'bytes') return Buffer.alloc(size, last ? 1 : 0);
  return { last, id: 123_456, body: 'x'.repeat(Math.max(0, size - VALUE_OVERHEAD)) };
}

export function isLast(message: Message): boolean {
  return message instanceof Uint8Array ? message[0] === 1 : message.last;
}

/** What the peer has to tell after the last message. */
export interface PeerReport {
  readonly count: number;
  /** Microseconds of processor time. */
  readonly cpu: number;
}

export function writeReport(kind: Kind, report: PeerReport): Message {
  const text = JSON.stringify(report);
  return kind === 'bytes' ? Buffer.from(text) : { last: true, id: 0, body: text };
}

export function readReport(message: Message): PeerReport {
  const text = message instanceof Uint8Array ? Buffer.from(message).toString() : message.body;
  return JSON.parse(text) as PeerReport;
}
