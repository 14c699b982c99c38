import { connect, type Socket } from 'node:net';
import { type Answer, AnswerReader } from '../wire/answer-reader.js';
import type { Counts } from './counts.js';

/** What has become of one request. */
export interface Asked {
  readonly kind: keyof Counts;
  /** More than one byte of the connection's end: what was wrong, or how. */
  readonly detail: string;
  /** Of the worker that answered, where it said so. */
  readonly pid?: number;
  /** Whether the connection can be asked again. */
  readonly goesOn: boolean;
}

/** A request whose answer says which it was. */
export interface Question {
  readonly id: string;
  readonly body: Buffer;
  readonly bytes: Buffer;
}

/** A POST with an id and a body, both of which come back (`programs/echo-id.js`). */
export function question(id: string, body: Buffer, delayMs = 0): Question {
  const delay = delayMs > 0 ? `X-Delay: ${delayMs}\r\n` : '';
  const head = `POST /echo HTTP/1.1\r\nHost: localhost\r\nX-Id: ${id}\r\n${delay}Content-Length: ${body.length}\r\n\r\n`;
  return { id, body, bytes: Buffer.concat([Buffer.from(head, 'latin1'), body]) };
}

export interface AskOptions {
  readonly timeoutMs: number;
  /** Where the first part ends. */
  readonly splitAt?: number;
  /** What is done between the parts. */
  readonly between?: () => Promise<void>;
}

/** A kept connection that checks whatever comes back over it. */
export class CheckedConnection implements Disposable {
  readonly #socket: Socket;
  readonly #reader = new AnswerReader();
  #ending: 'none' | 'end' | 'reset' = 'none';
  #changed: () => void = () => {};

  private constructor(socket: Socket) {
    this.#socket = socket;
    const note = (ending: 'end' | 'reset') => {
      if (this.#ending === 'none') this.#ending = ending;
      this.#changed();
    };
    socket.on('data', (chunk: Buffer) => {
      this.#reader.push(chunk);
      this.#changed();
    });
    // Where a reset comes at once with data, libuv tells of an end; the error of a write tells which it was.
    socket.on('end', () => {
      socket.write('\r\n', (error) => note(codeOf(error) === 'ECONNRESET' ? 'reset' : 'end'));
    });
    socket.on('error', (error) => {
      if (codeOf(error) !== 'EPIPE') note('reset');
    });
    socket.on('close', () => note('end'));
  }

  /** `undefined`: it was not accepted. */
  static open(port: number): Promise<CheckedConnection | undefined> {
    return new Promise((resolve) => {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
      const refused = () => resolve(undefined);
      socket.once('error', refused);
      socket.once('connect', () => {
        socket.off('error', refused);
        resolve(new CheckedConnection(socket));
      });
    });
  }

  /** The end of the connection, or an answer, which came while nothing was asked. `undefined`: neither. */
  idle(): Asked | undefined {
    if (this.#reader.error !== undefined || this.#reader.isInside)
      return over('wrong', 'bytes that nothing asked for');
    if (this.#ending !== 'none') return over('closedAtBoundary', this.#ending);
    return undefined;
  }

  /** Waits while nothing is asked, until the connection ends, an answer comes, or the time is over. */
  async wait(ms: number): Promise<Asked | undefined> {
    await this.#until(() => this.idle() !== undefined, ms);
    return this.idle();
  }

  /** How many answers have come, those aside that announce another. */
  get answers(): number {
    return this.#finals().length;
  }

  /** Sends a request, in parts between which `between` runs, and waits for what becomes of it. */
  ask(question: Question, options: AskOptions): Promise<Asked> {
    return this.askAll([question], options);
  }

  /** Sends requests as one piece, as `ask`, and waits for what becomes of the last of them, or of the first that fails. */
  async askAll(
    questions: readonly Question[],
    { timeoutMs, splitAt = 0, between }: AskOptions,
  ): Promise<Asked> {
    const before = this.answers;
    const bytes = Buffer.concat(questions.map((question) => question.bytes));
    for (const _ of questions) this.#reader.ask('POST');
    if (between !== undefined) {
      this.#socket.write(bytes.subarray(0, splitAt));
      await between();
    }
    this.#socket.write(between === undefined ? bytes : bytes.subarray(splitAt));
    const isDone = () =>
      this.#reader.unanswered === 0 ||
      this.#reader.error !== undefined ||
      this.#ending !== 'none' ||
      this.#finals().slice(before).some(isLast);
    const inTime = await this.#until(isDone, timeoutMs);
    if (this.#reader.error !== undefined) return over('wrong', this.#reader.error.message);
    let last: Asked | undefined;
    for (const [at, answer] of this.#finals().slice(before).entries()) {
      const { id, body } = questions[at] as Question;
      last = judge(answer, id, body);
      if (last.kind !== 'ok') return last;
    }
    if (this.#reader.unanswered === 0 && last !== undefined) return last;
    if (!inTime) return over('late', `nothing in ${timeoutMs} ms`);
    if (this.#ending === 'reset')
      return over('reset', this.#reader.isInside ? 'in an answer' : 'before an answer');
    return this.#reader.isInside ? over('cut', 'in an answer') : over('unanswered', 'before an answer');
  }

  #finals(): Answer[] {
    return this.#reader.answers.filter(({ status }) => status >= 200);
  }

  async #until(condition: () => boolean, ms: number): Promise<boolean> {
    if (condition()) return true;
    return new Promise((resolve) => {
      const settle = (value: boolean) => {
        clearTimeout(limit);
        this.#changed = () => {};
        resolve(value);
      };
      const limit = setTimeout(() => settle(false), ms);
      this.#changed = () => {
        if (condition()) settle(true);
      };
    });
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }
}

function codeOf(error: Error | null | undefined): string | undefined {
  return (error as NodeJS.ErrnoException | null | undefined)?.code;
}

/** Nothing follows it. */
const isLast = ({ status, headers }: Answer): boolean =>
  status >= 500 ||
  headers.some(([name, value]) => name.toLowerCase() === 'connection' && value.toLowerCase() === 'close');

const over = (kind: keyof Counts, detail: string): Asked => ({ kind, detail, goesOn: false });

function judge({ status, headers, body }: Answer, id: string, sent: Buffer): Asked {
  const of = (wanted: string) => headers.find(([name]) => name.toLowerCase() === wanted)?.[1];
  const goesOn = of('connection')?.toLowerCase() !== 'close';
  if (status === 502) return { kind: 'badGateway', detail: '', goesOn };
  if (status === 503) return { kind: 'unavailable', detail: '', goesOn };
  if (status !== 200) return over('wrong', `status ${status}`);
  if (of('x-id') !== id) return over('wrong', `the answer of ${of('x-id')} to ${id}`);
  if (!body.equals(sent)) return over('wrong', `${body.length} other bytes to ${sent.length}`);
  const pid = of('x-pid');
  return { kind: 'ok', detail: '', goesOn, ...(pid === undefined ? {} : { pid: Number(pid) }) };
}
