// msgpackr without what it loads to read strings natively (see countUnpacked in msgpack-packing.ts): a part of its own, whose own types lead
// nowhere for ECMAScript modules.

import type * as Msgpackr from 'msgpackr';
import * as part from 'msgpackr/pack';

export const { addExtension, Packr, Unpackr, RESET_BUFFER_MODE, REUSE_BUFFER_MODE } =
  part as unknown as typeof Msgpackr;
export type Packr = Msgpackr.Packr;
export type Unpackr = Msgpackr.Unpackr;
export type { Options } from 'msgpackr';
