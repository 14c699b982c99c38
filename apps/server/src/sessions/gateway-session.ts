import { type Bytes, bytesOrText, type WaitOptions } from '@millrace/channel';
import type { ClientInfo } from '../contract/client-info.js';
import type { CloseOptions, SendFileRange, Session } from '../contract/session.js';
import type { SessionData } from '../contract/types.js';
import type { OutputWindow } from './output-window.js';
import type { SessionGateway } from './session-gateway.js';

/** A worker's object for a session: what it does goes through the session gateway, what the worker has learnt is kept here. */
export class GatewaySession implements Session {
  readonly id: number;
  readonly port: number;
  remoteAddress: string;
  data: SessionData;
  /** Promises of handlers that have not settled. */
  inFlight = 0;
  inputEnded = false;
  closed = false;
  readonly #gateway: SessionGateway;
  readonly #window: OutputWindow;
  #bound = false;

  constructor(id: number, port: number, gateway: SessionGateway, window: OutputWindow) {
    this.id = id;
    this.port = port;
    this.remoteAddress = '';
    this.#gateway = gateway;
    this.#window = window;
  }

  send(data: string | Bytes): boolean | undefined {
    if (this.closed) return undefined;
    return this.#gateway.send(this.id, bytesOrText(data), this.#window);
  }

  sendFile(path: string, range?: SendFileRange): boolean | undefined {
    return this.closed ? undefined : this.#gateway.sendFile(this.id, path, range);
  }

  drained(options?: WaitOptions): Promise<boolean> {
    if (this.closed) return Promise.resolve(false);
    return this.#gateway.drained(this.id, options, this.#window);
  }

  close(options?: CloseOptions): boolean {
    if (this.closed && options?.reset !== true) return false;
    this.closed = true;
    return this.#gateway.close(this.id, options);
  }

  pause(): boolean {
    return this.#gateway.pause(this.id);
  }

  resume(): boolean {
    return this.#gateway.resume(this.id);
  }

  protect(on = true): boolean {
    return this.#gateway.protect(this.id, on);
  }

  bind(uid: number): boolean {
    if (this.#bound || !this.#gateway.bind(this.id, uid)) return false;
    this.#bound = true;
    return true;
  }

  get info(): ClientInfo | undefined {
    return this.#gateway.info(this.id, { ignoreClosed: true });
  }
}
