import { mkdtempSync, rmSync } from 'node:fs';
import { type IncomingMessage, type RequestOptions, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Program, until } from '@millrace/testkit';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect } from 'vitest';
import type { ServerOptions } from '../../src/index.js';
import { launch } from '../support.js';

export interface Got {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: what a route answers, the OpenAPI document checks
  readonly body: any;
}

interface Asked {
  readonly method?: string;
  readonly body?: string;
  readonly headers?: Record<string, string>;
}

/** One request on a connection of its own. */
export function ask(
  where: RequestOptions,
  path: string,
  { method = 'GET', body, headers }: Asked = {},
): Promise<Got> {
  return new Promise((resolve, reject) => {
    request({ ...where, path, method, agent: false, ...(headers && { headers }) }, (response) => {
      let text = '';
      response
        .setEncoding('utf8')
        .on('data', (more: string) => {
          text += more;
        })
        .on('error', reject)
        .on('end', () => {
          const isJson = response.headers['content-type'] === 'application/json';
          const { statusCode: status = 0 } = response;
          resolve({ status, headers: response.headers, text, body: isJson ? JSON.parse(text) : undefined });
        });
    })
      .on('error', reject)
      .end(body);
  });
}

interface Document {
  readonly paths: Record<
    string,
    Record<string, { responses: Record<string, { content: Record<string, { schema: object }> }> }>
  >;
}

const ajv = new Ajv2020({ strict: false, allErrors: true });

/** A server with an admin interface, in a directory of its own. Each answer is checked against the document that the server tells. */
export class AdminServer implements AsyncDisposable {
  readonly directory = mkdtempSync(join(tmpdir(), 'millrace-admin-'));
  readonly program: Program;
  #document: Document | undefined;

  constructor(options: Partial<ServerOptions> = {}, env: NodeJS.ProcessEnv = {}, fixture = 'admin') {
    this.program = launch(
      fixture,
      { admin: { name: 'test' }, ...options },
      { MILLRACE_RUNTIME_DIR: join(this.directory, 'run'), ...env },
    );
  }

  static async started(...args: ConstructorParameters<typeof AdminServer>): Promise<AdminServer> {
    const server = new AdminServer(...args);
    try {
      await server.port();
      return server;
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
  }

  get socketPath(): string {
    return join(this.directory, 'run', 'test.sock');
  }

  async port(): Promise<number> {
    const [, port] = await this.program.printed(/^listening (\d+)/m);
    return Number(port);
  }

  /** An answer, which is as the document says. */
  async get(path: string, asked: Asked = {}): Promise<Got> {
    this.#document ??= (await ask({ socketPath: this.socketPath }, '/v1/openapi.json')).body as Document;
    const got = await ask({ socketPath: this.socketPath }, path, asked);
    this.#check(path, asked.method ?? 'GET', got);
    return got;
  }

  post(path: string, body?: object): Promise<Got> {
    return this.get(path, { method: 'POST', ...(body && { body: JSON.stringify(body) }) });
  }

  // biome-ignore lint/suspicious/noExplicitAny: as above
  async process(name: string): Promise<any> {
    const { body } = await this.get('/v1/processes');
    return body.processes.find((one: { name: string }) => one.name === name);
  }

  events(query: string): Events {
    return new Events(this.socketPath, undefined, `/v1/events${query}`);
  }

  /** Waits until the process of that name is in that state. */
  // biome-ignore lint/suspicious/noExplicitAny: as above
  until(name: string, state: string): Promise<any> {
    return until(`${name} is ${state}`, async () => {
      const found = await this.process(name);
      return found?.state === state && found;
    });
  }

  #check(path: string, method: string, { status, headers, text, body }: Got): void {
    const [plain = ''] = path.split('?');
    const template = Object.keys(this.#document?.paths ?? {}).find((one) =>
      new RegExp(`^${one.replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(plain),
    );
    // What there is not, no document tells of.
    if (template === undefined || status === 404 || status === 405) return;
    const content = this.#document?.paths[template]?.[method.toLowerCase()]?.responses[status]?.content ?? {};
    const type = headers['content-type']?.split(';')[0] ?? '';
    expect(Object.keys(content), `${method} ${path} ${status}`).toEqual([type]);
    const validate = ajv.compile(content[type]?.schema ?? {});
    const values =
      type === 'application/x-ndjson'
        ? text
            .trimEnd()
            .split('\n')
            .map((line) => JSON.parse(line))
        : type === 'text/event-stream'
          ? [...text.matchAll(/^data: (.*)$/gm)].map(([, data]) => JSON.parse(data as string))
          : [type === 'text/plain' ? text : body];
    for (const value of values)
      expect(validate(value) ? [] : validate.errors, `${method} ${path}`).toEqual([]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.program[Symbol.asyncDispose]();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

export interface ServerSentEvent {
  readonly id: string;
  readonly event: string;
  // biome-ignore lint/suspicious/noExplicitAny: as above
  readonly data: any;
}

/** A client of the stream of events. */
export class Events implements Disposable {
  readonly all: ServerSentEvent[] = [];
  readonly #request;
  #response: IncomingMessage | undefined;

  constructor(socketPath: string, lastEventId?: string, path = '/v1/events') {
    const headers = lastEventId === undefined ? {} : { 'last-event-id': lastEventId };
    let text = '';
    this.#request = request({ socketPath, path, agent: false, headers }, (response) => {
      this.#response = response;
      response.setEncoding('utf8').on('data', (more: string) => {
        text += more;
        const blocks = text.split('\n\n');
        text = blocks.pop() ?? '';
        for (const block of blocks) this.#take(block);
      });
      response.on('error', () => {});
    });
    this.#request.on('error', () => {}).end();
  }

  #take(block: string): void {
    // A comment, which keeps the connection from being silent.
    if (block.startsWith(':')) return;
    const fields = Object.fromEntries(
      block.split('\n').map((line) => /^(\w+): (.*)$/.exec(line)?.slice(1) ?? []),
    );
    this.all.push({ id: fields.id, event: fields.event, data: JSON.parse(fields.data) });
  }

  async opened(): Promise<void> {
    await until('the beginning of the stream', () => this.#response !== undefined);
  }

  /** Reads nothing more until {@link resume}. */
  pause(): void {
    this.#response?.pause();
  }

  resume(): void {
    this.#response?.resume();
  }

  next(what: string, is: (event: ServerSentEvent) => boolean): Promise<ServerSentEvent> {
    return until(what, () => this.all.find(is));
  }

  [Symbol.dispose](): void {
    this.#request.destroy();
  }
}
