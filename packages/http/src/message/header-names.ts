import { TOKEN_CHARACTERS } from '../head/characters.js';

/** Names that are kept, and the characters of the longest. */
const MAX_NAMES = 256;
const MAX_LENGTH = 64;

/** What no version of Node objects to in a value. */
const PLAIN_VALUE = /^[\t\x20-\x7e]*$/;

/** By a header field's name, what node:http keeps it under: programs set the same ones again and again. */
export class HeaderNames {
  readonly #keys = new Map<string, string>();

  /** Undefined: what is to be said of the name or the value is Node's to say. */
  key(name: string, value: string): string | undefined {
    const key = this.#keys.get(name) ?? this.#check(name);
    return key !== undefined && PLAIN_VALUE.test(value) ? key : undefined;
  }

  #check(name: unknown): string | undefined {
    if (typeof name !== 'string' || name.length === 0 || name.length > MAX_LENGTH) return undefined;
    for (let at = 0; at < name.length; at++)
      if (TOKEN_CHARACTERS[name.charCodeAt(at)] !== 1) return undefined;
    const key = name.toLowerCase();
    if (this.#keys.size < MAX_NAMES) this.#keys.set(name, key);
    return key;
  }
}

/** An object for fields as node:http has one for them, without anything inherited, and quicker to make than one without a prototype. */
export const OutFields = function OutFields() {} as unknown as new () => Record<string, unknown>;
OutFields.prototype = Object.freeze(Object.create(null));
