import type { RequestFields } from './request-fields.js';

// Engine.IO, which is below Socket.IO (https://github.com/socketio/engine.io-protocol): its requests have EIO and `transport` in the
// query; the first one by polling has no `sid`, its answer has one, and all that follow have it, whatever connection they come by.

const REVISION = Buffer.from('EIO');
const SESSION = Buffer.from('sid');
const TRANSPORT = Buffer.from('transport');
const POLLING = Buffer.from('polling');

/** What a request is to Engine.IO: the first one of a session that polls, or one of a session, whose id `fields` has found. */
export function engineIoOf(
  fields: RequestFields,
  bytes: Buffer,
  start: number,
  end: number,
): 'handshake' | 'session' | undefined {
  if (!fields.query(REVISION, bytes, start, end)) return undefined;
  if (fields.query(SESSION, bytes, start, end)) return 'session';
  const isPolling =
    fields.query(TRANSPORT, bytes, start, end) && POLLING.equals(bytes.subarray(fields.from, fields.to));
  return isPolling ? 'handshake' : undefined;
}

/** Bytes of an answer that are looked at for the id. */
const LOOKED_AT = 4_096;
/** As JSON, and as JSON in a string, of an answer by JSONP. */
const ID = /\\?"sid\\?":\\?"([A-Za-z0-9_-]{8,128})\\?"/;

/** The id of the session that the answer to a handshake opens. */
export function sessionOpenedBy(answer: Buffer, start: number, end: number): string | undefined {
  return ID.exec(answer.toString('latin1', start, Math.min(end, start + LOOKED_AT)))?.[1];
}
