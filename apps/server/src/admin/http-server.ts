import { createHash, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type GenericSchema, safeParse } from 'valibot';
import { assertNotForeign } from './browser-guard.js';
import type { DashboardFiles } from './dashboard-files.js';
import { setGuardHeaders } from './guard-headers.js';
import { openApiOf } from './openapi.js';
import { type Reply, RequestError, send, sendError, sendText } from './replies.js';
import { type AdminParts, type Asked, ROUTES, type Route } from './routes.js';

/** Clients at once, of one socket; those beyond are closed. */
const MOST_CLIENTS = 64;
const MOST_HEAD_BYTES = 8 << 10;
const MOST_BODY_BYTES = 4 << 10;
/** Milliseconds for a client to say what it wants. */
const REQUEST_MS = 5_000;
/** Milliseconds in which a client takes nothing of its answer, after which it is closed. An event stream writes each second. */
const SILENT_MS = 30_000;
const CHECK_MS = 1_000;

const OPENAPI_PATH = '/v1/openapi.json';
const PATTERNS = ROUTES.map((route) => ({
  route,
  pattern: new RegExp(
    `^${route.path.replaceAll('.', '\\.').replaceAll(/\{(\w+)\}/g, '(?<$1>[^/]{1,200})')}$`,
  ),
}));

/** Routes that are asked for by nothing but their path, as pollers do: they are found without taking an address apart. */
const PLAIN = new Map(
  ROUTES.filter(({ path }) => !path.includes('{')).map((route) => [`${route.method} ${route.path}`, route]),
);

/** What a client has asked for, before anything of it is checked. */
interface Found {
  readonly path: string;
  readonly search: Readonly<Record<string, string>>;
  readonly route: Route | undefined;
  readonly params: Readonly<Record<string, string>>;
}

/**
 * The HTTP server of the admin process, one for each socket. Clients of the unix socket are its user's own and root's, by the rights
 * of the file; those of TCP have to show a token, of which this process knows no more than its hash.
 */
export class AdminHttpServer {
  readonly #parts: AdminParts;
  /** Of the token; undefined: none is needed. */
  readonly #tokenHash: Buffer | undefined;
  readonly #server: Server;
  readonly #dashboard: DashboardFiles;

  constructor(parts: AdminParts, tokenHash: string | undefined, dashboard: DashboardFiles) {
    this.#dashboard = dashboard;
    this.#parts = parts;
    this.#tokenHash = tokenHash === undefined ? undefined : Buffer.from(tokenHash, 'hex');
    this.#server = createServer(
      {
        maxHeaderSize: MOST_HEAD_BYTES,
        headersTimeout: REQUEST_MS,
        requestTimeout: REQUEST_MS,
        connectionsCheckingInterval: CHECK_MS,
      },
      (request, response) => void this.#serve(request, response),
    );
    this.#server.maxConnections = MOST_CLIENTS;
    this.#server.setTimeout(SILENT_MS);
  }

  /** Accepts from a socket that listens already. */
  async listen(fd: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject).listen({ fd }, resolve);
    });
  }

  close(): void {
    this.#server.close();
    this.#server.closeIdleConnections();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const answer = this.#reply(request, response);
      // What is known at once is answered in this turn of the loop.
      const reply = answer instanceof Promise ? await answer : answer;
      if (reply === undefined) return;
      if ('serve' in reply) {
        setGuardHeaders(response);
        reply.serve(response);
      } else if ('text' in reply) sendText(response, 200, reply.text, reply.contentType);
      else send(response, reply.status, reply.body);
    } catch (error) {
      if (response.headersSent || response.destroyed) return void response.destroy();
      if (error instanceof RequestError) return sendError(response, error);
      sendError(
        response,
        new RequestError(
          500,
          'INTERNAL',
          'The request has failed; standard error of the server tells of what.',
        ),
      );
      console.error('millrace: admin:', error);
    } finally {
      // What of the body is not wanted: the connection is not kept for it.
      if (!request.complete) response.shouldKeepAlive = false;
    }
  }

  #reply(request: IncomingMessage, response: ServerResponse): Reply | Promise<Reply> | undefined {
    if (this.#tokenHash === undefined) assertNotForeign(request);
    const { method = '' } = request;
    const { path, search, route, params } = find(request);
    if (route === undefined && method === 'GET' && this.#dashboard.has(path)) {
      setGuardHeaders(response);
      this.#dashboard.serve(path, request, response);
      return undefined;
    }
    // Before it is told what there is and what there is not.
    if (route?.open !== true) this.#authorize(request);
    if (route === undefined) {
      if (method === 'GET' && path === OPENAPI_PATH)
        return { text: openApiDocument(), contentType: 'application/json' };
      throw missing(method, path);
    }
    const query = checked(route.query, search, 'query');
    const { accept, 'last-event-id': last } = request.headers;
    const lastEventId = typeof last === 'string' ? last : undefined;
    const handle = (body: unknown) =>
      route.handle(this.#parts, { params, query, body, lastEventId, accept } as Asked<never, never>);
    return route.body === undefined
      ? handle(undefined)
      : bodyOf(request).then((body) => handle(checked(route.body, body, 'body')));
  }

  #authorize({ headers: { authorization = '' } }: IncomingMessage): void {
    if (this.#tokenHash === undefined) return;
    const [, token = ''] = /^Bearer +(\S+)$/i.exec(authorization) ?? [];
    // Of the same length whatever a client sends, so the comparison takes the same time.
    const hash = createHash('sha256').update(token).digest();
    if (!timingSafeEqual(hash, this.#tokenHash))
      throw new RequestError(401, 'TOKEN', 'Show the token of this server: Authorization: Bearer TOKEN.');
  }
}

let openApi: string | undefined;
/** Made when it is asked for first: it takes some 30 ms, for which the next admin process would be later. */
function openApiDocument(): string {
  openApi ??= JSON.stringify(openApiOf(ROUTES));
  return openApi;
}

function find(request: IncomingMessage): Found {
  const { method = '', url = '' } = request;
  const plain = PLAIN.get(`${method} ${url}`);
  if (plain !== undefined) return { path: url, search: {}, route: plain, params: {} };
  const { pathname: path, searchParams } = urlOf(request);
  const search = Object.fromEntries(searchParams);
  for (const { route, pattern } of PATTERNS) {
    const match = route.method === method ? pattern.exec(path) : null;
    if (match !== null) return { path, search, route, params: decoded({ ...match.groups }) };
  }
  return { path, search, route: undefined, params: {} };
}

function missing(method: string, path: string): RequestError {
  const others = PATTERNS.filter(({ pattern }) => pattern.test(path)).map(({ route }) => route.method);
  if (others.length > 0)
    return new RequestError(
      405,
      'METHOD',
      `This is for ${others.join(' and ')}, not ${JSON.stringify(method)}.`,
    );
  return new RequestError(
    404,
    'NO_ROUTE',
    `There is nothing at this path; ${OPENAPI_PATH} tells what there is.`,
  );
}

function urlOf({ url = '' }: IncomingMessage): URL {
  try {
    return new URL(url, 'http://admin');
  } catch {
    throw new RequestError(400, 'URL', 'This is no path.');
  }
}

function decoded(params: Record<string, string>): Record<string, string> {
  try {
    return Object.fromEntries(
      Object.entries(params).map(([name, value]) => [name, decodeURIComponent(value)]),
    );
  } catch {
    throw new RequestError(400, 'URL', 'The path is not encoded as it has to be.');
  }
}

/** What a client says, by its schema; nothing where there is none. */
function checked(schema: GenericSchema | undefined, value: unknown, where: 'query' | 'body'): unknown {
  if (schema === undefined) return undefined;
  const result = safeParse(schema, value);
  if (result.success) return result.output;
  const [issue] = result.issues;
  const path = issue.path?.map(({ key }) => String(key)).join('.') ?? '';
  const name = path === '' ? `The ${where}` : `'${path}' in the ${where}`;
  throw new RequestError(400, where.toUpperCase(), `${name} is not as it has to be: ${issue.message}`);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new RequestError(400, 'BODY', 'The body is no JSON.');
  }
}

/** What is sent with a request: an object in JSON, or nothing. */
async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MOST_BODY_BYTES)
      throw new RequestError(413, 'TOO_LONG', `The body is longer than ${MOST_BODY_BYTES} bytes.`);
    chunks.push(chunk);
  }
  if (bytes === 0) return {};
  const body = parsed(Buffer.concat(chunks).toString('utf8'));
  // To a schema a list without entries is an object without entries.
  if (Array.isArray(body))
    throw new RequestError(400, 'BODY', 'The body is a list: an object is needed, which names what it says.');
  return body;
}
