/** Everything that holds bytes, by what it is called; each holds 1, 2, 3, 4, 5, 6, 7, 8 and nothing else. */
export function everyKindOfBytes(): Record<string, NodeJS.ArrayBufferView | ArrayBuffer | SharedArrayBuffer> {
  const source = Uint8Array.of(9, 9, 9, 9, 9, 9, 9, 9, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9);
  const { buffer } = source;
  const whole = buffer.slice(8, 16);
  const shared = new SharedArrayBuffer(8);
  new Uint8Array(shared).set(new Uint8Array(whole));
  const resizable = new (ArrayBuffer as unknown as ResizableBuffer)(8, { maxByteLength: 64 });
  new Uint8Array(resizable).set(new Uint8Array(whole));
  return {
    Buffer: Buffer.from(whole),
    'a Buffer within another': Buffer.from(buffer, 8, 8),
    Uint8Array: new Uint8Array(buffer, 8, 8),
    Uint8ClampedArray: new Uint8ClampedArray(buffer, 8, 8),
    Int8Array: new Int8Array(buffer, 8, 8),
    Uint16Array: new Uint16Array(buffer, 8, 4),
    Int32Array: new Int32Array(buffer, 8, 2),
    Float32Array: new Float32Array(buffer, 8, 2),
    Float64Array: new Float64Array(buffer, 8, 1),
    BigUint64Array: new BigUint64Array(buffer, 8, 1),
    DataView: new DataView(buffer, 8, 8),
    ArrayBuffer: whole,
    SharedArrayBuffer: shared,
    'a Uint8Array of shared memory': new Uint8Array(shared),
    'a DataView of shared memory': new DataView(shared),
    'a resizable ArrayBuffer': resizable,
    'a Uint8Array of one': new Uint8Array(resizable),
    'a Uint16Array of one': new Uint16Array(resizable),
  };
}

type ResizableBuffer = new (length: number, options: { readonly maxByteLength: number }) => ArrayBuffer;

/** What holds no bytes, whatever it looks like. */
export const NO_BYTES: readonly unknown[] = [
  undefined,
  null,
  5,
  true,
  {},
  [1, 2, 3],
  { length: 3, 0: 1 },
  new Set([1]),
  () => {},
  Symbol('s'),
];
