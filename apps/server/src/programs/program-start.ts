import { basename } from 'node:path';
import { HANDLER_NAMED_AGAIN_MS } from '../constants.js';
import type { Logger } from '../log/log.js';
import { LISTEN_WAIT_MS } from './constants.js';
import type { ListenCapture } from './listen-capture.js';

export interface ProgramStartParts {
  readonly capture: ListenCapture;
  /** The entry module of the program. */
  readonly file: string;
  /** No process of that name was there before in this run of the server. */
  readonly isFirst: boolean;
  readonly log: Logger;
}

/** How far a program is that a worker runs: the worker is ready when it listens, and the log says what is waited for. */
export class ProgramStart {
  readonly #parts: ProgramStartParts;
  readonly #name: string;
  #listensByItself: () => void = () => {};
  readonly #byItself = new Promise<void>((resolve) => {
    this.#listensByItself = resolve;
  });

  constructor(parts: ProgramStartParts) {
    this.#parts = parts;
    this.#name = basename(parts.file);
    parts.capture.waitsFor = `${this.#name} has not come to the end of its top level, with what it awaits there,`;
  }

  /** It starts processes of its own that listen: nothing of it is captured. */
  listensByItself(): void {
    this.#listensByItself();
  }

  /**
   * Waits until the program has been `loaded`, and listens. Rejects when it fails, or may not listen where its version before does: what
   * it does about that error itself, the version before serves, and this one must not take its place without a word.
   */
  async done(loaded: Promise<void>): Promise<void> {
    const { refused } = this.#parts.capture;
    await Promise.race([loaded, refused]);
    this.#parts.capture.waitsFor = `${this.#name} has not called listen`;
    await Promise.race([this.#listening(), this.#byItself, refused]);
  }

  /**
   * One that comes up first, in a server where nothing listens, may be a program that never will: it is taken as it is after a while. In the
   * place of one that listens it would end what that serves: then it is waited for, as long as it takes.
   */
  async #listening(): Promise<void> {
    const { capture, isFirst } = this.#parts;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(() => {
        if (!isFirst && capture.someListen) return;
        this.#goOnNaming(LISTEN_WAIT_MS);
        resolve();
      }, LISTEN_WAIT_MS);
    });
    const listening = capture.listening();
    await Promise.race([listening, late]);
    clearTimeout(timer);
  }

  /** It is ready, and has no clients. */
  #goOnNaming(ms: number): void {
    const { capture, log } = this.#parts;
    const seconds = ms / 1_000;
    log.warn(
      { seconds },
      `${this.#name} has not called listen for ${seconds} s: it runs without clients until it does`,
    );
    const timer = setTimeout(
      () => this.#goOnNaming(ms + HANDLER_NAMED_AGAIN_MS),
      HANDLER_NAMED_AGAIN_MS,
    ).unref();
    void Promise.race([capture.listening(), this.#byItself]).then(() => clearTimeout(timer));
  }
}
