import * as http from './http-bytes.js';
import { CR, isIn, LF, SPACE } from './http-bytes.js';
import { KnownBlocks } from './known-blocks.js';
import { NO_WORD, WORD_START, WordTrie } from './word-trie.js';

// Where in a head the next byte lies.
const START = 0;
const START_LF = 1;
const METHOD = 2;
const TARGET_START = 3;
const PATH = 4;
const STAR = 5;
const SCHEME = 6;
const HOST_START = 7;
const HOST = 8;
const VERSION = 9;
const LINE_CR = 10;
const LINE_LF = 11;
const FIELD_START = 12;
const NAME = 13;
const VALUE = 14;
const LENGTH = 15;
const CODING = 16;
const OPTION_START = 17;
const OPTION = 18;
const OPTION_END = 19;
const END_LF = 20;
/** It is whole. */
const DONE = 21;
/** An empty line lies before it, and has been read. */
const EMPTY_LINE = 22;
/** There is something in it that leaves a doubt. */
const ODD = 23;

/** Digits of a length, so that it is exact. */
const MAX_LENGTH_DIGITS = 15;

/** Those of http.METHODS in every Node from 20 on. */
export const METHODS = [
  ...['HEAD', 'CONNECT', 'GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE', 'QUERY', 'ACL', 'BIND'],
  ...['CHECKOUT', 'COPY', 'LINK', 'LOCK', 'M-SEARCH', 'MERGE', 'MKACTIVITY', 'MKCALENDAR', 'MKCOL', 'MOVE'],
  ...['NOTIFY', 'PROPFIND', 'PROPPATCH', 'PURGE', 'REBIND', 'REPORT', 'SEARCH', 'SOURCE', 'SUBSCRIBE'],
  ...['UNBIND', 'UNLINK', 'UNLOCK', 'UNSUBSCRIBE'],
] as const;
const methods = new WordTrie(METHODS, { ignoreCase: false });
const METHOD_HEAD = 1;
const METHOD_CONNECT = 2;

const NAMES = ['content-length', 'transfer-encoding', 'connection', 'proxy-connection', 'upgrade'] as const;
const names = new WordTrie(NAMES, { ignoreCase: true });
const CONTENT_LENGTH = 1;
const TRANSFER_ENCODING = 2;
const CONNECTION = 3;
const PROXY_CONNECTION = 4;

const connectionOptions = new WordTrie(['close', 'keep-alive', 'upgrade'], { ignoreCase: true });
const codings = new WordTrie(['chunked'], { ignoreCase: true });

const SCHEME_TEXT = Buffer.from('http://');
const VERSION_TEXT = Buffer.from('HTTP/1.');

// What the head of the present request says, in bits.
const HAS_LENGTH = 1;
const IS_CHUNKED = 2;
const SAYS_CLOSE = 4;
const SAYS_KEEP_ALIVE = 8;
const SAYS_UPGRADE = 16;
const HAS_UPGRADE = 32;
const IS_OLD = 64;
const IS_CONNECT = 128;
const IS_HEAD = 256;
const HAS_QUERY = 512;
/** What a request line says. */
const LINE_FACTS = IS_OLD | IS_CONNECT | IS_HEAD | HAS_QUERY;
const OPTION_FACTS = [0, SAYS_CLOSE, SAYS_KEEP_ALIVE, SAYS_UPGRADE] as const;

/** Of all clients of a thread. */
const blocks = new KnownBlocks();

/**
 * Reads the head of one request after the other, byte by byte: as strictly as RFC 9112 has it, and no more of it than what says
 * where the request ends.
 */
export class RequestHead {
  /** Of the body; 0: there is none, or it is chunked. */
  length = 0;
  #state = START;
  /** How far the word or the fixed text has come that is being read. */
  #place = 0;
  #facts = 0;
  /** Digits of the length that is being read. */
  #digits = 0;
  /** The fields behind the last chunk are read, which no request line precedes. */
  #isTrailer = false;
  /** The request line, or a part of it, is what comes next. */
  #isFirstField = true;

  get isWhole(): boolean {
    return this.#state === DONE;
  }

  get isOdd(): boolean {
    return this.#state === ODD;
  }

  /** An empty line has been read: `begin` goes on behind it. */
  get isEmptyLine(): boolean {
    return this.#state === EMPTY_LINE;
  }

  /** Its first line has begun. */
  get hasBegun(): boolean {
    return this.#state > START_LF && this.#state !== EMPTY_LINE;
  }

  get isChunked(): boolean {
    return (this.#facts & IS_CHUNKED) !== 0;
  }

  /** The method is HEAD: there is no body in the answer. */
  get isHead(): boolean {
    return (this.#facts & IS_HEAD) !== 0;
  }

  /** The target has a query. */
  get hasQuery(): boolean {
    return (this.#facts & HAS_QUERY) !== 0;
  }

  /** The answer may change the protocol. */
  get mayUpgrade(): boolean {
    const both = SAYS_UPGRADE | HAS_UPGRADE;
    return (this.#facts & IS_CONNECT) !== 0 || (this.#facts & both) === both;
  }

  /** The client sends no request after this one. */
  get isLast(): boolean {
    return (this.#facts & SAYS_CLOSE) !== 0 || (this.#facts & (IS_OLD | SAYS_KEEP_ALIVE)) === IS_OLD;
  }

  /** The next one comes. */
  begin(): void {
    this.#state = START;
    this.#facts = this.length = 0;
    this.#isTrailer = false;
    this.#isFirstField = true;
  }

  /** The fields behind the last chunk come. */
  beginTrailer(): void {
    this.#state = FIELD_START;
    this.#isTrailer = true;
  }

  /** Reads from `from` on; returns the end of the head or of an empty line, or `end`. */
  scan(bytes: Uint8Array, from: number, end: number): number {
    let at = from;
    /** Where the fields begin, where they do in these bytes. */
    let block = -1;
    while (at < end) {
      const byte = bytes[at] as number;
      switch (this.#state) {
        case START:
          if (byte === CR) this.#state = START_LF;
          else if (!this.#stepMethod(byte, WORD_START)) return this.#odd(end);
          break;
        case START_LF:
          if (byte !== LF) return this.#odd(end);
          this.#state = EMPTY_LINE;
          return at + 1;
        case METHOD:
          if (byte === SPACE ? !this.#endMethod() : !this.#stepMethod(byte, this.#place))
            return this.#odd(end);
          break;
        case TARGET_START:
          if (!this.#startTarget(byte)) return this.#odd(end);
          break;
        case PATH:
          while (at < end && isIn(bytes[at] as number, http.TARGET)) at++;
          if (at === end) return end;
          if (bytes[at] === http.QUESTION) this.#facts |= HAS_QUERY;
          else if (bytes[at] !== SPACE) return this.#odd(end);
          else this.#startText(VERSION);
          break;
        case STAR:
          if (byte !== SPACE) return this.#odd(end);
          this.#startText(VERSION);
          break;
        case SCHEME:
          if (byte !== SCHEME_TEXT[this.#place]) return this.#odd(end);
          if (++this.#place === SCHEME_TEXT.length) this.#state = HOST_START;
          break;
        case HOST_START:
          if (!isIn(byte, http.ALPHANUMERIC)) return this.#odd(end);
          this.#state = HOST;
          break;
        case HOST:
          if (byte === SPACE) this.#startText(VERSION);
          else if (byte === http.SLASH && !(this.#facts & IS_CONNECT)) this.#state = PATH;
          else if (!isIn(byte, http.AUTHORITY)) return this.#odd(end);
          break;
        case VERSION:
          if (!this.#stepVersion(byte)) return this.#odd(end);
          break;
        case LINE_CR:
          if (byte !== CR) return this.#odd(end);
          this.#state = LINE_LF;
          break;
        case LINE_LF:
          if (byte !== LF) return this.#odd(end);
          this.#state = FIELD_START;
          if (!this.#isFirstField) break;
          this.#isFirstField = false;
          block = at + 1;
          if (this.#isKnown(bytes, block, end)) return end;
          break;
        case FIELD_START:
          if (byte === CR) this.#state = END_LF;
          else if (isIn(byte, http.TOKEN)) {
            this.#state = NAME;
            this.#place = names.step(WORD_START, byte);
          } else return this.#odd(end);
          break;
        case NAME: {
          let place = this.#place;
          for (; at < end && isIn(bytes[at] as number, http.TOKEN); at++)
            if (place !== NO_WORD) place = names.step(place, bytes[at] as number);
          this.#place = place;
          if (at === end) return end;
          if (bytes[at] !== http.COLON || !this.#startValue(names.at(place))) return this.#odd(end);
          break;
        }
        case VALUE:
          while (at < end && isIn(bytes[at] as number, http.FIELD)) at++;
          if (at === end) return end;
          if (bytes[at] !== CR) return this.#odd(end);
          this.#state = LINE_LF;
          break;
        case LENGTH:
          if (!this.#stepLength(byte)) return this.#odd(end);
          break;
        case CODING:
          if (!this.#stepCoding(byte)) return this.#odd(end);
          break;
        case OPTION_START:
        case OPTION:
        case OPTION_END:
          if (!this.#stepOption(byte)) return this.#odd(end);
          break;
        case END_LF:
          if (byte !== LF || !this.#isConsistent) return this.#odd(end);
          this.#state = DONE;
          if (block > 0 && at + 1 === end) this.#note(bytes, block, end);
          return at + 1;
        default:
          return this.#odd(end);
      }
      at++;
    }
    return at;
  }

  /** Whether the fields are all that there is, and such as have come before: then they are read. */
  #isKnown(bytes: Uint8Array, start: number, end: number): boolean {
    // Behind those lines the same fields may mean another thing.
    if ((this.#facts & (IS_OLD | IS_CONNECT)) !== 0) return false;
    const facts = blocks.facts(bytes, start, end);
    if (facts < 0) return false;
    this.#facts |= facts;
    this.#state = DONE;
    return true;
  }

  /** Notes fields that are read, where no body follows. */
  #note(bytes: Uint8Array, start: number, end: number): void {
    const facts = this.#facts;
    if ((facts & (IS_OLD | IS_CONNECT | HAS_LENGTH | IS_CHUNKED)) === 0)
      blocks.note(bytes, start, end, facts & ~LINE_FACTS);
  }

  #odd(end: number): number {
    this.#state = ODD;
    return end;
  }

  #stepMethod(byte: number, place: number): boolean {
    this.#state = METHOD;
    this.#place = methods.step(place, byte);
    return this.#place !== NO_WORD;
  }

  #endMethod(): boolean {
    const method = methods.at(this.#place);
    this.#state = TARGET_START;
    this.#facts = method === METHOD_HEAD ? IS_HEAD : method === METHOD_CONNECT ? IS_CONNECT : 0;
    return method !== NO_WORD;
  }

  #startTarget(byte: number): boolean {
    if (this.#facts & IS_CONNECT) {
      this.#state = HOST;
      return isIn(byte, http.ALPHANUMERIC);
    }
    this.#state = byte === http.SLASH ? PATH : byte === http.STAR ? STAR : SCHEME;
    this.#place = 1;
    return this.#state !== SCHEME || byte === SCHEME_TEXT[0];
  }

  #startText(state: number): void {
    this.#state = state;
    this.#place = 0;
  }

  #stepVersion(byte: number): boolean {
    if (this.#place < VERSION_TEXT.length) return byte === VERSION_TEXT[this.#place++];
    if (byte === http.ZERO) this.#facts |= IS_OLD;
    this.#state = LINE_CR;
    return byte === http.ZERO || byte === http.ONE;
  }

  #startValue(name: number): boolean {
    this.#state = VALUE;
    if (name === NO_WORD) return true;
    // What it would mean there is for Node's parser to say.
    if (this.#isTrailer) return false;
    switch (name) {
      case CONTENT_LENGTH:
        this.#state = LENGTH;
        this.length = this.#digits = 0;
        return (this.#facts & HAS_LENGTH) === 0;
      case TRANSFER_ENCODING:
        this.#state = CODING;
        this.#place = WORD_START;
        return (this.#facts & IS_CHUNKED) === 0;
      case CONNECTION:
      case PROXY_CONNECTION:
        this.#state = OPTION_START;
        break;
      default:
        this.#facts |= HAS_UPGRADE;
    }
    return true;
  }

  #stepLength(byte: number): boolean {
    if (byte === SPACE) return this.#digits === 0;
    if (byte === CR) {
      this.#facts |= HAS_LENGTH;
      this.#state = LINE_LF;
      return this.#digits > 0;
    }
    this.length = this.length * 10 + byte - http.ZERO;
    return isIn(byte, http.DIGIT) && ++this.#digits <= MAX_LENGTH_DIGITS;
  }

  #stepCoding(byte: number): boolean {
    if (byte === SPACE) return this.#place === WORD_START;
    if (byte === CR) {
      this.#facts |= IS_CHUNKED;
      this.#state = LINE_LF;
      return codings.at(this.#place) !== NO_WORD;
    }
    this.#place = codings.step(this.#place, byte);
    return this.#place !== NO_WORD;
  }

  /** One of several options with commas between them. */
  #stepOption(byte: number): boolean {
    if (byte === SPACE) {
      if (this.#state === OPTION) this.#endOption(OPTION_END);
      return true;
    }
    if (byte === http.COMMA) {
      if (this.#state === OPTION) this.#endOption(OPTION_START);
      else if (this.#state === OPTION_START) return false;
      this.#state = OPTION_START;
      return true;
    }
    if (byte === CR) {
      if (this.#state === OPTION) this.#endOption(LINE_LF);
      else if (this.#state === OPTION_START) return false;
      this.#state = LINE_LF;
      return true;
    }
    if (this.#state === OPTION_END || !isIn(byte, http.TOKEN)) return false;
    const place = this.#state === OPTION_START ? WORD_START : this.#place;
    this.#place = place === NO_WORD ? NO_WORD : connectionOptions.step(place, byte);
    this.#state = OPTION;
    return true;
  }

  #endOption(state: number): void {
    this.#facts |= OPTION_FACTS[connectionOptions.at(this.#place)] as number;
    this.#state = state;
  }

  /** Whether there is one way to find the end of the request. */
  get #isConsistent(): boolean {
    const facts = this.#facts;
    if (this.#isTrailer) return true;
    if (facts & IS_CHUNKED && facts & (HAS_LENGTH | IS_OLD)) return false;
    // Whether the body belongs to the request or to the new protocol depends on the answer.
    return !this.mayUpgrade || !(facts & (HAS_LENGTH | IS_CHUNKED));
  }
}
