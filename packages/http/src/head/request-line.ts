import { TARGET_CHARACTERS } from './characters.js';

const SLASH = 47;

/** Methods that every supported version of node:http reads alike; true: a body may belong to one. */
const METHODS: ReadonlyMap<string, boolean> = new Map([
  ['GET', false],
  ['HEAD', false],
  ['OPTIONS', false],
  ['POST', true],
  ['PUT', true],
  ['PATCH', true],
  ['DELETE', true],
]);

const VERSION = ' HTTP/1.1';

/** What has come of a line that is not whole. */
const BEGUN_LINE =
  /^(?<method>[A-Z]+)(?<behind> (?:(?<target>\/[A-Za-z0-9\-._~!$&'()*+,;=:@%/?[\]{}|]*)(?<version> .*)?)?)?$/s;

/** What the last request line said that was read; one object for all, for it is used before the next is read. */
export interface RequestLine {
  method: string;
  target: string;
  /** Whether a body may belong to it. */
  mayHaveBody: boolean;
}

const line: RequestLine = { method: '', target: '', mayHaveBody: false };

/** Reads the request line that `text` begins with and that ends at `end`. Undefined: node:http is to read it. */
export function parseRequestLine(text: string, end: number): RequestLine | undefined {
  const space = text.indexOf(' ');
  const mayHaveBody = METHODS.get(text.slice(0, space));
  if (mayHaveBody === undefined) return undefined;
  const targetEnd = end - VERSION.length;
  if (!text.startsWith(VERSION, targetEnd) || text.charCodeAt(space + 1) !== SLASH) return undefined;
  let at = space + 2;
  while (TARGET_CHARACTERS[text.charCodeAt(at)] === 1) at++;
  if (at !== targetEnd) return undefined;
  line.method = text.slice(0, space);
  line.target = text.slice(space + 1, targetEnd);
  line.mayHaveBody = mayHaveBody;
  return line;
}

/** Whether a line like those that `parseRequestLine` reads may begin with `text`. */
export function mayBeginLine(text: string): boolean {
  const { method, behind, version = '' } = BEGUN_LINE.exec(text)?.groups ?? {};
  if (method === undefined) return false;
  if (behind === undefined) return [...METHODS.keys()].some((known) => known.startsWith(method));
  return METHODS.has(method) && `${VERSION}\r`.startsWith(version);
}
