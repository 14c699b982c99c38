import type { Socket } from 'node:net';

/** What the package `ws` (8.17 and later) keeps of a WebSocket beyond its types. */
export interface UntypedWebSocket {
  readonly _isServer: boolean;
  readonly _readyState: number;
  readonly _receiver: UntypedReceiver;
  readonly _sender: UntypedSender;
  readonly _socket: Socket;
}

/** What reads its frames: a stream that is written to. */
export interface UntypedReceiver {
  readonly _allowSynchronousEvents: boolean;
  readonly _binaryType: string;
  /** Bytes that have come of a frame that is not whole. */
  readonly _bufferedBytes: number;
  readonly _errored: boolean;
  /** The opcode of a message whose last frame has not come; 0: there is none. */
  readonly _fragmented: number;
  readonly _maxPayload: number;
  readonly _opcode: number;
  readonly _payloadLength: number;
  readonly _skipUTF8Validation: boolean;
  /** What it waits for: see below. */
  readonly _state: number;
  readonly writableEnded: boolean;
  readonly writableLength: number;
  _write: unknown;
  write: (chunk: Buffer, encoding?: unknown, callback?: unknown) => boolean;
  emit(event: 'message', data: Buffer, isBinary: boolean): boolean;
}

/** What makes its frames. */
export interface UntypedSender {
  /** Another one than 0 says that it compresses, or reads a Blob. */
  readonly _state: number;
  /** The frame that is sent next begins a message. */
  readonly _firstFragment: boolean;
  send: (data: unknown, options: UntypedSendOptions, callback: unknown) => void;
}

export interface UntypedSendOptions {
  readonly binary?: unknown;
  readonly compress?: unknown;
  readonly fin?: unknown;
  readonly mask?: unknown;
}

/** `readyState` of a WebSocket that is open. */
export const OPEN = 1;

/** States of a receiver: what of a frame it waits for. */
export const GET_INFO = 0;
export const GET_PAYLOAD_LENGTH_16 = 1;
export const GET_PAYLOAD_LENGTH_64 = 2;
export const GET_MASK = 3;
export const GET_DATA = 4;

/** Where `ws` keeps on a socket which WebSocket lies over it. */
const NAME = 'websocket';

/**
 * The WebSocket of a server that lies over `socket`. Undefined: there is none, or it is of a version of `ws` that keeps other things than this
 * one knows, which then reads and sends by itself.
 */
export function webSocketOver(socket: Socket): UntypedWebSocket | undefined {
  const key = Object.getOwnPropertySymbols(socket).find(({ description }) => description === NAME);
  if (key === undefined) return undefined;
  const found = (socket as unknown as Record<symbol, unknown>)[key];
  return isKnown(found) && found._socket === socket ? found : undefined;
}

function isKnown(value: unknown): value is UntypedWebSocket {
  const { _isServer, _readyState, _receiver, _sender } = (value ?? {}) as Partial<UntypedWebSocket>;
  if (_isServer !== true || typeof _readyState !== 'number') return false;
  return isKnownReceiver(_receiver) && isKnownSender(_sender);
}

function isKnownReceiver(receiver: Partial<UntypedReceiver> = {}): boolean {
  const { _bufferedBytes, _errored, _fragmented, _maxPayload, _opcode, _payloadLength, _state } = receiver;
  const numbers = [_bufferedBytes, _fragmented, _maxPayload, _opcode, _payloadLength, _state];
  return (
    numbers.every((each) => typeof each === 'number') &&
    _errored === false &&
    // Else each message has a turn of the loop of its own.
    receiver._allowSynchronousEvents === true &&
    typeof receiver._binaryType === 'string' &&
    typeof receiver._skipUTF8Validation === 'boolean' &&
    typeof receiver.write === 'function'
  );
}

function isKnownSender(sender: Partial<UntypedSender> = {}): boolean {
  const { _state, _firstFragment, send } = sender;
  return typeof _state === 'number' && typeof _firstFragment === 'boolean' && typeof send === 'function';
}
