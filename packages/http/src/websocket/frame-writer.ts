import type { UntypedSender, UntypedSendOptions } from './ws-internals.js';

const TEXT = 0x81;
const BINARY = 0x82;
/** From here on, a frame says its length in two bytes of their own. */
const LENGTH_16 = 126;
/** Bytes of a message that is sent here; the cost of a longer one is its bytes. */
const MAX_BYTES = 16_384;

/** Heads of short frames, by their length, as text in latin1. */
const TEXT_HEADS = Array.from({ length: LENGTH_16 }, (_, length) => String.fromCharCode(TEXT, length));
const BINARY_HEADS = Array.from({ length: LENGTH_16 }, (_, length) => String.fromCharCode(BINARY, length));

/** Where frames go. */
export interface FrameLink {
  /** Whether what is sent by `sendFrame` goes out behind everything that was written, none of which waits in the socket. */
  readonly isClear: boolean;
  /** Sends a head, text in latin1, and what comes behind it. */
  sendFrame(head: string, payload: string | Uint8Array): void;
}

/**
 * Makes the frames of messages that are whole, not compressed and nobody waits for, in front of the sender of `ws`. False: the sender is
 * to have this one.
 */
export function sendMessage(
  sender: UntypedSender,
  link: FrameLink,
  data: unknown,
  { binary, compress, fin, mask }: UntypedSendOptions,
): boolean {
  if (!fin || compress || mask || sender._state !== 0 || !sender._firstFragment) return false;
  const isText = typeof data === 'string';
  if (!isText && !(data instanceof Uint8Array)) return false;
  // A character has three bytes at most.
  if (data.length > MAX_BYTES || !link.isClear) return false;
  const length = isText ? Buffer.byteLength(data) : data.length;
  link.sendFrame(headOf(Boolean(binary), length), data);
  return true;
}

function headOf(isBinary: boolean, length: number): string {
  if (length < LENGTH_16) return (isBinary ? BINARY_HEADS : TEXT_HEADS)[length] as string;
  return String.fromCharCode(isBinary ? BINARY : TEXT, LENGTH_16, length >> 8, length & 0xff);
}
