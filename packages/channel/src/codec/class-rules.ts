interface Verdict {
  /** Made by the language, by Node or by the Web's interfaces. */
  readonly platform: boolean;
  readonly ownProperties: boolean;
}

/** By prototype. */
const known = new WeakMap<object, Verdict>();

/** Whether `value` is an array or an object without a class, of whatever realm. */
export function isPlain(value: object): boolean {
  if (Array.isArray(value)) return true;
  const prototype = Object.getPrototypeOf(value) as object | null;
  if (prototype === Object.prototype || prototype === null) return true;
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, 'hasOwnProperty');
}

/**
 * Whether the own properties of `value`, which has a class, are all that it is, so far as can be seen: what is behind a `#name`
 * cannot. What belongs to the platform has its contents elsewhere: in C++, behind such names, or behind symbols.
 */
export function isOfOwnProperties(value: object): boolean {
  return verdictOn(value).ownProperties && Object.getOwnPropertySymbols(value).length === 0;
}

/** Whether a class of the user's says by `toJSON` what is sent in the place of its instances. */
export function isForJson(value: object): value is { toJSON(): unknown } {
  return hasToJson(value) && !verdictOn(value).platform;
}

function verdictOn(value: object): Verdict {
  const prototype = Object.getPrototypeOf(value) as object;
  let verdict = known.get(prototype);
  if (verdict === undefined) {
    verdict = judge(prototype);
    known.set(prototype, verdict);
  }
  return verdict;
}

function judge(prototype: object): Verdict {
  let [platform, ownProperties] = [false, true];
  for (let at: object | null = prototype; at !== null && !isRoot(at); at = Object.getPrototypeOf(at)) {
    const properties = Object.getOwnPropertyDescriptors(at) as Record<string, PropertyDescriptor>;
    const made = Object.getOwnPropertyDescriptor(at, 'constructor')?.value as unknown;
    if (typeof made === 'function' && isOfPlatform(made)) platform = true;
    if (Object.hasOwn(at, Symbol.toStringTag)) ownProperties = false;
    // What instances inherit would not be sent.
    for (const { enumerable, value } of Object.values(properties))
      if (enumerable && typeof value !== 'function') ownProperties = false;
  }
  return { platform, ownProperties: ownProperties && !platform };
}

function isRoot(prototype: object): boolean {
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, 'hasOwnProperty');
}

function isOfPlatform(made: { readonly name?: unknown }): boolean {
  if (Function.prototype.toString.call(made).endsWith('{ [native code] }')) return true;
  const { name } = made;
  return typeof name === 'string' && (globalThis as Record<string, unknown>)[name] === made;
}

/**
 * Whether an object without a class says of itself that it is something else: a module's namespace, or `Math` and `Intl`, whose
 * properties cannot be listed. A tag beside properties is the user's.
 */
export function isNamespace(value: object): boolean {
  if ((value as { [Symbol.toStringTag]?: unknown })[Symbol.toStringTag] === undefined) return false;
  return Object.getPrototypeOf(value) === null || Object.keys(value).length === 0;
}

/** Whether an own or inherited `toJSON` says what is sent in its place. */
export function hasToJson(value: object): value is { toJSON(): unknown } {
  return typeof (value as { toJSON?: unknown }).toJSON === 'function';
}

/**
 * The first of its own enumerable properties that is named by a symbol. This costs 25 to 35 ns for each object, and V8 has
 * nothing that tells it sooner.
 */
export function symbolIn(value: object): symbol | undefined {
  const symbols = Object.getOwnPropertySymbols(value);
  return symbols.length === 0 ? undefined : enumerableOf(value, symbols);
}

/** By itself: with a closure in it, each call of the caller would make one more object. */
function enumerableOf(value: object, symbols: readonly symbol[]): symbol | undefined {
  return symbols.find((symbol) => Object.prototype.propertyIsEnumerable.call(value, symbol));
}

/** Whether it has enumerable properties of its own, beside what makes it what it is. */
export function hasProperties(value: object): boolean {
  return Object.keys(value).length > 0 || symbolIn(value) !== undefined;
}
