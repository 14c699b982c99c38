import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { CommandError } from '../command-error.js';
import type { ServerPlace } from './find-server.js';

/** Milliseconds for a server to begin an answer. */
const ANSWER_MS = 900;
/** Milliseconds for one that has answered already to have one of its processes begin something. */
const BEGIN_MS = 5_000;

/** What a server tells by itself. */
export interface ServerEvent {
  readonly id: string | undefined;
  readonly event: string;
  readonly data: string;
}

interface Refusal {
  readonly error: { readonly code: string; readonly message: string };
}

/** Asks one server by its admin interface. Throws a `CommandError` that says what there is to do where that does not answer. */
export class AdminClient {
  readonly place: ServerPlace;

  constructor(place: ServerPlace) {
    this.place = place;
  }

  get<Answer>(path: string): Promise<Answer> {
    return this.#json('GET', path);
  }

  /** An answer as it is, whatever its status says. */
  async ask<Answer>(path: string): Promise<{ readonly status: number; readonly body: Answer }> {
    const response = await this.#ask('GET', path, undefined);
    return { status: response.statusCode ?? 0, body: JSON.parse(await textOf(response)) as Answer };
  }

  post<Answer>(path: string, body: object = {}): Promise<Answer> {
    return this.#json('POST', path, body);
  }

  /** The same, of a server that has answered already, and has one of its processes do something. */
  postSlowly<Answer>(path: string, body: object): Promise<Answer> {
    return this.#json('POST', path, body, BEGIN_MS);
  }

  /** The lines of an answer, as they come; each is JSON. */
  async *lines<Line>(path: string, body: object): AsyncGenerator<Line, void, undefined> {
    const response = await this.#ask('POST', path, body);
    if (response.statusCode !== 200) throw refused((await textOf(response)) as string);
    let rest = '';
    for await (const piece of response.setEncoding('utf8')) {
      const lines = `${rest}${piece}`.split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) yield JSON.parse(line) as Line;
    }
  }

  /** Server-sent events, as they come, until the server ends them or `signal` says so. */
  async *events(
    path: string,
    lastEventId?: string,
    signal?: AbortSignal,
  ): AsyncGenerator<ServerEvent, void, undefined> {
    const response = await this.#ask(
      'GET',
      path,
      undefined,
      lastEventId === undefined ? {} : { headers: { 'last-event-id': lastEventId } },
    );
    if (response.statusCode !== 200) throw refused(await textOf(response));
    const stop = () => response.destroy();
    signal?.addEventListener('abort', stop);
    if (signal?.aborted === true) stop();
    let rest = '';
    try {
      for await (const piece of response.setEncoding('utf8')) {
        const blocks = `${rest}${piece}`.split('\n\n');
        rest = blocks.pop() ?? '';
        for (const block of blocks) {
          const event = eventOf(block);
          if (event !== undefined) yield event;
        }
      }
    } catch (error) {
      // The admin process has been killed in the middle.
      const isStopped = signal?.aborted === true || (error as NodeJS.ErrnoException).code === 'ECONNRESET';
      if (!isStopped) throw error;
    } finally {
      signal?.removeEventListener('abort', stop);
    }
  }

  /** An answer that is no JSON to be read at once, of something that takes its time. */
  async stream(path: string, body: object): Promise<IncomingMessage> {
    const response = await this.#ask('POST', path, body, { ms: BEGIN_MS });
    if (response.statusCode !== 200) throw refused(await textOf(response));
    return response;
  }

  async #json<Answer>(method: string, path: string, body?: object, ms = ANSWER_MS): Promise<Answer> {
    const response = await this.#ask(method, path, body, { ms });
    const text = await textOf(response);
    if ((response.statusCode ?? 0) >= 400) throw refused(text);
    return JSON.parse(text) as Answer;
  }

  #ask(
    method: string,
    path: string,
    body: object | undefined,
    {
      headers = {},
      ms = ANSWER_MS,
    }: { readonly headers?: Record<string, string>; readonly ms?: number } = {},
  ): Promise<IncomingMessage> {
    const { socketPath } = this.place;
    return new Promise((resolve, reject) => {
      const options = { socketPath, path, method, agent: false, headers };
      const asked: ClientRequest = request(options, (response) => {
        clearTimeout(timer);
        resolve(response);
      });
      const timer = setTimeout(() => {
        asked.destroy();
        reject(this.#silent());
      }, ms);
      asked.on('error', (error: NodeJS.ErrnoException) => {
        clearTimeout(timer);
        reject(this.#unreachable(error));
      });
      asked.end(body && JSON.stringify(body));
    });
  }

  #silent(): CommandError {
    const { name, pid } = this.place;
    const stop = pid === undefined ? '' : `; kill ${pid} stops the server`;
    return new CommandError(
      'noAnswer',
      `The server '${name}' does not answer within a second: its admin process hangs, or the machine is busy${stop}.`,
    );
  }

  #unreachable(error: NodeJS.ErrnoException): CommandError {
    const { name, socketPath } = this.place;
    switch (error.code) {
      case 'ECONNREFUSED':
        return new CommandError(
          'noServer',
          `The server '${name}' has ended without being stopped; it has left ${socketPath}, which its next start takes over.`,
        );
      case 'ENOENT':
        return new CommandError('noServer', `The server '${name}' has ended.`);
      case 'EACCES':
      case 'EPERM':
        return new CommandError(
          'notAllowed',
          `The server '${name}' is another user's: ${socketPath} lets this one not in.`,
        );
      default:
        return new CommandError('noAnswer', `The server '${name}' has broken off: ${error.message}.`);
    }
  }
}

/** Undefined: a comment, by which the connection is kept. */
function eventOf(block: string): ServerEvent | undefined {
  const fields = new Map(block.split('\n').map((line) => line.split(/: (.*)/s, 2) as [string, string]));
  const [event, data] = [fields.get('event'), fields.get('data')];
  return event === undefined || data === undefined ? undefined : { id: fields.get('id'), event, data };
}

async function textOf(response: IncomingMessage): Promise<string> {
  let text = '';
  for await (const piece of response.setEncoding('utf8')) text += piece;
  return text;
}

function refused(text: string): CommandError {
  return new CommandError('failed', (JSON.parse(text) as Refusal).error.message);
}
