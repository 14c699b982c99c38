import { EventSourceParserStream } from 'eventsource-parser/stream';
import { AdminError, request } from './request.js';

/** How a stream is: `absent`, the server has no such route; `refused`, the token is not (or no longer) that of the server. */
export type StreamState = 'connecting' | 'open' | 'lost' | 'absent' | 'refused';

export interface StreamOptions {
  readonly onEvent: (event: string, data: unknown) => void;
  readonly onState: (state: StreamState) => void;
  /** Milliseconds without an event after which the other side is taken for dead, for a stream that has one each second. */
  readonly silentMs?: number;
}

const FIRST_PAUSE_MS = 200;
const MOST_PAUSE_MS = 2_000;

/**
 * Server-sent events by `fetch`: `EventSource` cannot show a token. Comes again by itself, and names the event that it has got last, so that
 * the server tells what was missed.
 */
export class LiveStream {
  readonly #path: string;
  readonly #options: StreamOptions;
  readonly #end = new AbortController();
  #lastEventId: string | undefined;
  #state: StreamState | undefined;

  constructor(path: string, options: StreamOptions) {
    this.#path = path;
    this.#options = options;
    void this.#run();
  }

  /** Idempotent. */
  close(): void {
    this.#end.abort();
  }

  async #run(): Promise<void> {
    this.#tell('connecting');
    for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, MOST_PAUSE_MS)) {
      try {
        await this.#read(() => {
          pause = FIRST_PAUSE_MS;
        });
      } catch (error) {
        const status = error instanceof AdminError ? error.status : 0;
        if (status === 401) return this.#tell('refused');
        if (status === 404) return this.#tell('absent');
      }
      if (this.#end.signal.aborted) return;
      this.#tell('lost');
      await new Promise((resolve) => setTimeout(resolve, pause));
      if (this.#end.signal.aborted) return;
    }
  }

  /** Reads until the stream ends. */
  async #read(opened: () => void): Promise<void> {
    const attempt = new AbortController();
    const abort = () => attempt.abort();
    this.#end.signal.addEventListener('abort', abort);
    const { silentMs } = this.#options;
    let watchdog: ReturnType<typeof setTimeout> | undefined;
    const alive = () => {
      clearTimeout(watchdog);
      if (silentMs !== undefined) watchdog = setTimeout(abort, silentMs);
    };
    try {
      alive();
      const { signal } = attempt;
      const headers = this.#lastEventId === undefined ? {} : { 'last-event-id': this.#lastEventId };
      const response = await request(this.#path, { signal, headers });
      const reader = response.body
        ?.pipeThrough(new TextDecoderStream())
        .pipeThrough(new EventSourceParserStream())
        .getReader();
      if (reader === undefined) return;
      opened();
      this.#tell('open');
      for (;;) {
        const { done, value } = await reader.read();
        if (done || this.#end.signal.aborted) return;
        alive();
        if (value.id !== undefined) this.#lastEventId = value.id;
        this.#options.onEvent(value.event ?? 'message', JSON.parse(value.data));
      }
    } finally {
      clearTimeout(watchdog);
      this.#end.signal.removeEventListener('abort', abort);
    }
  }

  #tell(state: StreamState): void {
    if (state === this.#state || this.#end.signal.aborted) return;
    this.#state = state;
    this.#options.onState(state);
  }
}
