/** By the code of a character: 1, where it is among them. Past the end of a string the code is not a number, and there is none. */
export type Characters = Readonly<Record<number, number | undefined>>;

/** Those of a header field's name and of a method. */
export const TOKEN_CHARACTERS: Characters = table(/[!#$%&'*+\-.^_`|~0-9A-Za-z]/);

/** Those of a value that are one byte each and mean themselves. */
export const VALUE_CHARACTERS: Characters = table(/[\x20-\x7e]/);

/** Those of a path and a query that mean themselves to every reader. A fragment, which a request has not, is no part of them. */
export const TARGET_CHARACTERS: Characters = table(/[A-Za-z0-9\-._~!$&'()*+,;=:@%/?[\]{}|]/);

function table(pattern: RegExp): Characters {
  const characters = new Uint8Array(256);
  for (let code = 0; code < 128; code++) if (pattern.test(String.fromCharCode(code))) characters[code] = 1;
  return characters;
}
