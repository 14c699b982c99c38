// Bytes of HTTP, RFC 9110 and 9112.

export const TAB = 0x09;
export const LF = 0x0a;
export const CR = 0x0d;
export const SPACE = 0x20;
export const QUOTE = 0x22;
export const STAR = 0x2a;
export const COMMA = 0x2c;
export const SLASH = 0x2f;
export const ZERO = 0x30;
export const ONE = 0x31;
export const AMPERSAND = 0x26;
export const COLON = 0x3a;
export const SEMICOLON = 0x3b;
export const EQUALS = 0x3d;
export const QUESTION = 0x3f;

// What a byte may be part of, in bits.
/** The name of a field. */
export const TOKEN = 1;
/** The value of a field. */
export const FIELD = 2;
/** The target of a request that begins with a slash, up to its query. */
export const TARGET = 4;
/** The host and port of one that does not, which begins with a letter or digit: no user, no address in brackets. */
export const AUTHORITY = 8;
export const ALPHANUMERIC = 16;
export const DIGIT = 32;
/** The quoted value of a chunk extension, which knows no backslash here. */
export const QUOTED = 64;

const kinds = new Uint8Array(256);
for (let byte = 0; byte < 256; byte++) {
  const text = String.fromCharCode(byte);
  if (/[!#$%&'*+\-.^_`|~0-9A-Za-z]/.test(text)) kinds[byte] = TOKEN;
  if (byte === TAB || (byte >= SPACE && byte !== 0x7f)) kinds[byte] = (kinds[byte] as number) | FIELD;
  if (byte > SPACE && byte < 0x7f && byte !== QUESTION) kinds[byte] = (kinds[byte] as number) | TARGET;
  if (/[0-9A-Za-z.\-:]/.test(text)) kinds[byte] = (kinds[byte] as number) | AUTHORITY;
  if (/[0-9A-Za-z]/.test(text)) kinds[byte] = (kinds[byte] as number) | ALPHANUMERIC | QUOTED;
  if (/[0-9]/.test(text)) kinds[byte] = (kinds[byte] as number) | DIGIT;
  if (/[ .\-_]/.test(text)) kinds[byte] = (kinds[byte] as number) | QUOTED;
}

/** Whether `byte` may be part of any of what `kind` names. */
export const isIn = (byte: number, kind: number): boolean => ((kinds[byte] as number) & kind) !== 0;

/** The value of a hexadecimal digit; 16 or more: it is none. */
export function hexValue(byte: number): number {
  if (byte >= ZERO && byte < COLON) return byte - ZERO;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : 16;
}
