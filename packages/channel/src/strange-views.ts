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
/** Whose properties are not sent. */
const OWN_FORM = [Date, RegExp, ArrayBuffer];

/** Whether `view` is a typed array of a class of its own, which msgpackr writes and nobody can read. */
export function isStrange(view: ArrayBufferView): boolean {
  if (KNOWN.has(view.constructor) || view instanceof DataView) return false;
  return !KNOWN_NAMES.has(view.constructor.name) && !hasToJson(view);
}

/** Whether `value`, which has been packed, holds such a typed array; follows what is sent, and allocates little. */
export function holdsStrangeView(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (ArrayBuffer.isView(value)) return isStrange(value);
  if (Array.isArray(value)) return value.some(holdsStrangeView);
  if (value.constructor !== Object) {
    if (value instanceof Map) {
      for (const [key, part] of value) if (holdsStrangeView(key) || holdsStrangeView(part)) return true;
      return false;
    }
    if (value instanceof Set) return [...value].some(holdsStrangeView);
    if (OWN_FORM.some((type) => value instanceof type)) return false;
    if (value instanceof Error && !hasToJson(value)) return holdsStrangeView(value.cause);
  }
  if (hasToJson(value)) return false;
  const parts = value as Record<string, unknown>;
  for (const key in parts) if (Object.hasOwn(parts, key) && holdsStrangeView(parts[key])) return true;
  return false;
}

/** Another form is sent, then. That of Buffers is not used. */
function hasToJson(value: object): boolean {
  const { toJSON } = value as { toJSON?: unknown };
  return typeof toJSON === 'function' && toJSON !== Buffer.prototype.toJSON;
}
