import type { TransportChannel } from '@millrace/channel';
import type { Packet } from './packet.js';

/** A way for packets between a reactor and a process: two rings, or in base mode a call (base/local-channel.ts). */
export type PacketChannel = Pick<
  TransportChannel<Packet>,
  | 'send'
  | 'writable'
  | 'queuedBytes'
  | 'unreadBytes'
  | 'takenBytes'
  | 'flush'
  | 'drained'
  | 'deliverNow'
  | 'pause'
  | 'resume'
  | 'finishReading'
  | 'destroy'
> & {
  on(name: 'message', handler: (packet: Packet) => void): unknown;
  on(name: 'drain', handler: () => void): unknown;
};
