import type { Framer } from './framer.js';
import { EofCheckFramer, EofFramer, type EofFraming } from './framing-eof.js';
import { FunctionFramer, type FunctionFraming } from './framing-function.js';
import { LengthFramer, type LengthFraming } from './framing-length.js';

/** Whatever one read brought is one frame. */
export interface NoFraming {
  readonly kind: 'none';
}

/** How a stream is cut to frames. */
export type Framing = NoFraming | EofFraming | LengthFraming | FunctionFraming;

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
