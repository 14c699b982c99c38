import { optionNames } from '@millrace/channel';
import { checkInteger } from '../errors.js';
import type { Framer } from '../framing/framer.js';
import { createFramer, DEFAULT_MAX_FRAME_LENGTH, type Framing } from '../framing/framing.js';
import { DEFAULT_WRITE_LIMIT } from '../loop/options.js';
import type { MemoryUse } from '../output/memory-use.js';
import type { CloseReason } from './stream-connection.js';
import type { TurnShare } from './turn-share.js';

/** What a connection of the type `Own` tells its owner. */
export interface HandlersOf<Own> {
  /** A frame, valid only during the call; unless it is the receiver's, see `ownFrames`. */
  readonly onFrame: (connection: Own, memory: Buffer, start: number, end: number) => void;
  /** So many bytes have been read, before the frames in them are delivered. */
  readonly onInput?: ((connection: Own, bytes: number) => void) | undefined;
  /** Whether more may be read now; after false the connection is paused, and the handler resumes it. Default: yes. */
  readonly wantsInput?: ((connection: Own) => boolean) | undefined;
  /** Whether a frame can be taken now; after false the connection is paused, and the handler resumes it. Default: yes. */
  readonly wantsFrame?: ((connection: Own) => boolean) | undefined;
  /**
   * The other side sends no more; the connection can still be written to, and stays until it is closed.
   * Default: `close`.
   */
  readonly onInputEnd?: ((connection: Own) => void) | undefined;
  /** Output waits above the high-water mark: true; none waits above the low one any more: false. */
  readonly onCongestion?: ((connection: Own, congested: boolean) => void) | undefined;
  /** The kernel has taken output that was queued. */
  readonly onOutput?: ((connection: Own) => void) | undefined;
  /** The connection is over and its descriptor closed. Called once. */
  readonly onClose?: ((connection: Own, reason: CloseReason, error?: Error) => void) | undefined;
}

/** The options of a connection that do not depend on its owner's types. */
export interface PlainConnectionOptions {
  /** How the input is cut to frames. Default `{ kind: 'none' }`: each read is one. */
  readonly framing?: Framing | undefined;
  /** Bytes of the longest frame; a longer one ends the connection. Default 2 MiB. */
  readonly maxFrameLength?: number | undefined;
  /** In place of `framing` and `maxFrameLength`: one made already. It serves all connections that share these options. */
  readonly framer?: Framer | undefined;
  /** Memory for reading that connections of one reactor share. Default: the reactor's own, 64 KiB. */
  readonly readMemory?: Buffer | undefined;
  /**
   * Whether large frames are read to memory of their own. Where one comes alone, as those do that answer one another, the connection's
   * `frameIsOwn` says during `onFrame` that the memory is the receiver's: it need not be copied to be kept. For framings that know
   * a frame's length from its beginning; not for TLS. Default false.
   */
  readonly ownFrames?: boolean | undefined;
  /**
   * Frames that are delivered of one connection in one turn, or fewer where they take longer than a millisecond; those that
   * are left come in the next, after what others have sent meanwhile. Default 32.
   */
  readonly framesPerTurn?: number | undefined;
  /**
   * Frames to which that grows, by twice a turn, while no other connection of this thread has sent anything; beyond
   * `framesPerTurn` they end after half a millisecond. Default: 1,024, or `framesPerTurn` where that is given.
   */
  readonly loneFramesPerTurn?: number | undefined;
  /** Bytes that are read of one connection in one turn. Default 256 KiB. */
  readonly bytesPerTurn?: number | undefined;
  /** Bytes of output waiting above which `onCongestion` is called. Default: 4/5 of `maxOutput`. */
  readonly highWaterMark?: number | undefined;
  /** Bytes of output waiting at which the congestion is over. Default 0. */
  readonly lowWaterMark?: number | undefined;
  /** Bytes of output that wait at most. Default 8 MiB. */
  readonly maxOutput?: number | undefined;
  /**
   * What happens to a write that goes beyond `maxOutput`. `'refuse'`: nothing of it is sent, and `write` returns false.
   * `'destroy'`: the connection is over. Default `'refuse'`.
   */
  readonly overflow?: 'refuse' | 'destroy' | undefined;
  /** Where the memory counts that connections hold. Several kinds may share one. Default: nowhere. */
  readonly memory?: MemoryUse | undefined;
}

/** The names of a connection's options, for the option lists of what makes one. */
export const CONNECTION_OPTION_NAMES = {
  handlers: true,
  framing: true,
  maxFrameLength: true,
  framer: true,
  readMemory: true,
  ownFrames: true,
  framesPerTurn: true,
  loneFramesPerTurn: true,
  bytesPerTurn: true,
  highWaterMark: true,
  lowWaterMark: true,
  maxOutput: true,
  overflow: true,
  memory: true,
  context: true,
} as const;
export const CONNECTION_HANDLERS = optionNames<HandlersOf<unknown>>({
  onFrame: true,
  onInput: true,
  wantsInput: true,
  wantsFrame: true,
  onInputEnd: true,
  onCongestion: true,
  onOutput: true,
  onClose: true,
});

export const CONNECTION_OPTIONS = optionNames<
  PlainConnectionOptions & { readonly handlers: unknown; readonly context?: unknown }
>(CONNECTION_OPTION_NAMES);

/** What a connection goes by: one for all connections that share options. */
export interface OutputLimits {
  readonly highWaterMark: number;
  readonly lowWaterMark: number;
  readonly maxOutput: number;
  readonly destroys: boolean;
}

/** The high-water mark's share of `maxOutput`, as Swoole has it. */
const HIGH_WATER_SHARE = 0.8;

/** Fills in the defaults. Throws `ERR_MILLRACE_REACTOR_OPTION`. */
export function outputLimits(options: PlainConnectionOptions): OutputLimits {
  const maxOutput = options.maxOutput ?? DEFAULT_WRITE_LIMIT;
  const highWaterMark = options.highWaterMark ?? Math.floor(maxOutput * HIGH_WATER_SHARE);
  const lowWaterMark = options.lowWaterMark ?? 0;
  checkInteger('maxOutput', maxOutput, 1, Number.MAX_SAFE_INTEGER);
  checkInteger('highWaterMark', Math.floor(highWaterMark), 0, maxOutput);
  checkInteger('lowWaterMark', lowWaterMark, 0, Math.floor(highWaterMark));
  return { maxOutput, highWaterMark, lowWaterMark, destroys: options.overflow === 'destroy' };
}

/** Some 0.1 ms of small messages. */
const DEFAULT_FRAMES_PER_TURN = 32;
const DEFAULT_LONE_FRAMES_PER_TURN = 1024;
const DEFAULT_BYTES_PER_TURN = 256 << 10;

export function turnShare({
  framesPerTurn,
  loneFramesPerTurn,
  bytesPerTurn = DEFAULT_BYTES_PER_TURN,
}: PlainConnectionOptions): TurnShare {
  const frames = framesPerTurn ?? DEFAULT_FRAMES_PER_TURN;
  checkInteger('framesPerTurn', frames, 1, Number.MAX_SAFE_INTEGER);
  const lone = loneFramesPerTurn ?? Math.max(frames, framesPerTurn ?? DEFAULT_LONE_FRAMES_PER_TURN);
  return {
    frames,
    loneFrames: checkInteger('loneFramesPerTurn', lone, frames, Number.MAX_SAFE_INTEGER),
    bytes: checkInteger('bytesPerTurn', bytesPerTurn, 1, Number.MAX_SAFE_INTEGER),
  };
}

export function framerOf({ framer, framing, maxFrameLength }: PlainConnectionOptions): Framer {
  if (framer !== undefined) return framer;
  const max = checkInteger('maxFrameLength', maxFrameLength ?? DEFAULT_MAX_FRAME_LENGTH, 1, 2 ** 31 - 1);
  return createFramer(framing ?? { kind: 'none' }, max);
}
