/** The types of elements that shm-typed-array.ts knows. */

/** A view of memory. `key` is set on System V memory. */
export type Shm<T> = T & { key?: number };

/** What each type key gives. `key` is set on System V memory. */
export interface ShmMap {
  Buffer: Shm<Buffer>;
  Int8Array: Shm<Int8Array>;
  Uint8Array: Shm<Uint8Array>;
  Uint8ClampedArray: Shm<Uint8ClampedArray>;
  Int16Array: Shm<Int16Array>;
  Uint16Array: Shm<Uint16Array>;
  Int32Array: Shm<Int32Array>;
  Uint32Array: Shm<Uint32Array>;
  Float32Array: Shm<Float32Array>;
  Float64Array: Shm<Float64Array>;
}

export type ShmType = keyof ShmMap;

/** Types of shared memory, by their numbers in shm-typed-array. */
export const BufferType: { readonly [key: string]: number } = {
  Buffer: 0,
  Int8Array: 1,
  Uint8Array: 2,
  Uint8ClampedArray: 3,
  Int16Array: 4,
  Uint16Array: 5,
  Int32Array: 6,
  Uint32Array: 7,
  Float32Array: 8,
  Float64Array: 9,
};

/** How elements of a type are looked at. */
export interface View {
  readonly bytes: number;
  readonly over: (buffer: ArrayBuffer, offset: number, count: number) => object;
}

export const views: Record<ShmType, View> = {
  Buffer: { bytes: 1, over: (buffer, offset, count) => Buffer.from(buffer, offset, count) },
  Int8Array: { bytes: 1, over: (buffer, offset, count) => new Int8Array(buffer, offset, count) },
  Uint8Array: { bytes: 1, over: (buffer, offset, count) => new Uint8Array(buffer, offset, count) },
  Uint8ClampedArray: {
    bytes: 1,
    over: (buffer, offset, count) => new Uint8ClampedArray(buffer, offset, count),
  },
  Int16Array: { bytes: 2, over: (buffer, offset, count) => new Int16Array(buffer, offset, count) },
  Uint16Array: { bytes: 2, over: (buffer, offset, count) => new Uint16Array(buffer, offset, count) },
  Int32Array: { bytes: 4, over: (buffer, offset, count) => new Int32Array(buffer, offset, count) },
  Uint32Array: { bytes: 4, over: (buffer, offset, count) => new Uint32Array(buffer, offset, count) },
  Float32Array: { bytes: 4, over: (buffer, offset, count) => new Float32Array(buffer, offset, count) },
  Float64Array: { bytes: 8, over: (buffer, offset, count) => new Float64Array(buffer, offset, count) },
};
