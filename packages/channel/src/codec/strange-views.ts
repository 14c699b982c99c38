const CLASSES = [
  Buffer,
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
  DataView,
];
/** What MessagePack of ours can read again; msgpackr goes by the name of the class. */
const KNOWN = new Set<unknown>(CLASSES);
const KNOWN_NAMES = new Set(CLASSES.slice(1).map(({ name }) => name));

/** Whether `view` is a typed array of a class of its own, which msgpackr writes and cannot read. */
export function isStrange(view: ArrayBufferView): boolean {
  if (KNOWN.has(view.constructor) || view instanceof DataView) return false;
  return !KNOWN_NAMES.has(view.constructor.name) && !hasToJson(view);
}

/** Another form is sent, then. That of Buffers is not used. */
function hasToJson(value: object): boolean {
  const { toJSON } = value as { toJSON?: unknown };
  return typeof toJSON === 'function' && toJSON !== Buffer.prototype.toJSON;
}
