import { ArgumentError, shown } from '../errors.js';

/** Everything that holds bytes, for all functions that take some: every typed array, a DataView, a Buffer, and a whole buffer. */
export type Bytes = NodeJS.ArrayBufferView | ArrayBuffer | SharedArrayBuffer;

/**
 * The bytes of `data`, all of them and as they lie in memory; no copy. Throws `ERR_MILLRACE_BYTES` for anything else, a string
 * included: {@link bytesOrText} takes one.
 */
export function bytesOf(data: Bytes, argument = 'data'): Uint8Array {
  if (data instanceof Uint8Array) return data;
  return otherBytes(data) ?? refuse(data, argument, 'a Buffer, a typed array, a DataView or an ArrayBuffer');
}

/** As {@link bytesOf}; a string is its UTF-8. */
export function bytesOrText(data: Bytes | string, argument = 'data'): Uint8Array {
  if (typeof data === 'string') return Buffer.from(data);
  if (data instanceof Uint8Array) return data;
  return (
    otherBytes(data) ??
    refuse(data, argument, 'a string, a Buffer, a typed array, a DataView or an ArrayBuffer')
  );
}

/** The bytes of what is no Uint8Array of this realm; undefined where there are none. */
export function otherBytes(data: unknown): Uint8Array | undefined {
  if (ArrayBuffer.isView(data)) return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  return isBuffer(data) ? Buffer.from(data) : undefined;
}

function isBuffer(data: unknown): data is ArrayBuffer {
  return /^\[object (Shared)?ArrayBuffer\]$/.test(Object.prototype.toString.call(data));
}

function refuse(data: unknown, argument: string, wanted: string): never {
  throw new ArgumentError('ERR_MILLRACE_BYTES', `'${argument}' must be ${wanted}, not ${shown(data)}.`, {
    argument,
    value: data,
  });
}
