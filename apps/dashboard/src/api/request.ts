import { token } from './token.js';

/** The server has refused a request, or not answered it (status 0). */
export class AdminError extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

interface Refusal {
  readonly error?: { readonly code?: string; readonly message?: string };
}

/** An answer that is no refusal. Throws `AdminError`, and what `fetch` throws when `signal` has been aborted. */
export async function request(path: string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers);
  if (token.value !== null) headers.set('authorization', `Bearer ${token.value}`);
  const response = await fetch(path, { ...init, headers, cache: 'no-store', credentials: 'omit' }).catch(
    (error: unknown) => {
      if (init.signal?.aborted) throw error;
      throw new AdminError(0, 'UNREACHABLE', 'The admin interface does not answer.');
    },
  );
  if (response.ok) return response;
  const refusal = (await response.json().catch(() => ({}))) as Refusal;
  const { code = 'UNKNOWN', message = `The admin interface has answered ${response.status}.` } =
    refusal.error ?? {};
  throw new AdminError(response.status, code, message);
}

export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  return (await request(path, { ...(signal && { signal }) })).json() as Promise<T>;
}

const asJson = (body: object): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
});

export async function post<T>(path: string, body: object): Promise<T> {
  return (await request(path, asJson(body))).json() as Promise<T>;
}

/** The lines of JSON that a request is answered with, as they come. Throws `AdminError`, also where the last line does not come. */
export async function* postForLines<T>(path: string, body: object): AsyncGenerator<T> {
  const response = await request(path, asJson(body));
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  for (;;) {
    const piece = await reader?.read().catch(() => {
      throw new AdminError(0, 'BROKEN_OFF', 'The answer has broken off; what was asked for may go on.');
    });
    if (piece === undefined || piece.done) return;
    const lines = (text + piece.value).split('\n');
    text = lines.pop() ?? '';
    for (const line of lines) if (line !== '') yield JSON.parse(line) as T;
  }
}
