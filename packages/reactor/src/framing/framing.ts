import type { Bytes } from '@millrace/channel';
import type { Framer } from './framer.js';
import { EofCheckFramer, EofFramer } from './framing-eof.js';
import { FunctionFramer, type Measure } from './framing-function.js';
import { LengthFramer, type LengthType } from './framing-length.js';

/** How a stream is cut to frames. */
export type Framing =
  /** Whatever one read brought is one frame. */
  | { readonly kind: 'none' }
  /** A frame ends with a delimiter of 1 to 8 bytes. */
  | {
      readonly kind: 'eof';
      /** Default `'\r\n\r\n'`. */
      readonly delimiter?: string | Bytes | undefined;
      /** Whether frames are delivered with their delimiter. Default false. */
      readonly includeDelimiter?: boolean | undefined;
      /**
       * True: each frame by itself. False: what has come is one frame as soon as it ends with the delimiter, and several
       * may be glued together; nothing is searched. Default true.
       */
      readonly split?: boolean | undefined;
    }
  /** A frame begins with a header that holds a length; it is delivered with the header. */
  | {
      readonly kind: 'length';
      /** Default `'uint32be'`. */
      readonly type?: LengthType | undefined;
      /** Where the length field begins, in bytes. Default 0. */
      readonly offset?: number | undefined;
      /** What is added to the length to get the whole frame's; 0: the length counts everything. Default 4. */
      readonly bodyOffset?: number | undefined;
    }
  /** A function says how long a frame is; it is delivered whole. */
  | { readonly kind: 'function'; readonly measure: Measure };

/** Bytes of the longest frame, unless an option says otherwise: 2 MiB. */
export const DEFAULT_MAX_FRAME_LENGTH = 2 << 20;

/**
 * Makes the framer for `framing`. Frames longer than `maxLength` bytes are malformed; without framing, what one read
 * brought is cut to so many. Throws `ERR_MILLRACE_FRAMING`.
 */
export function createFramer(framing: Framing, maxLength: number = DEFAULT_MAX_FRAME_LENGTH): Framer {
  switch (framing.kind) {
    case 'none':
      return { needed: 0, trailer: 0, measure: (_bytes, start, end) => Math.min(end - start, maxLength) };
    case 'eof':
      return framing.split === false
        ? new EofCheckFramer(framing, maxLength)
        : new EofFramer(framing, maxLength);
    case 'length':
      return new LengthFramer(framing, maxLength);
    case 'function':
      return new FunctionFramer(framing.measure, maxLength);
  }
}
