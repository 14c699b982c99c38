import type { Channel } from '@millrace/channel';
import { dieWithParent, syscalls } from '@millrace/native';
import { openPipe } from '@millrace/pipe-ipc';
import { ProcessPoolError } from './errors.js';
import { BIRTH_VARIABLE, type Birth, CONTROL_FD, type ToChild, type ToParent } from './protocol.js';

/** A child's side of a process pool: who it is, and its line to the parent. */
export class ChildProcessContext {
  readonly name: string;
  readonly incarnation: number;
  readonly data: unknown;
  readonly #descriptors: Readonly<Record<string, number>>;
  readonly #control: Channel<ToParent, ToChild>;
  #onStop: ((mode: string) => void) | undefined;
  #onMessage: ((body: unknown) => void) | undefined;
  /** Messages that came before there was a listener. */
  #early: unknown[] = [];

  constructor(birth: Birth) {
    this.name = birth.name;
    this.incarnation = birth.incarnation;
    this.data = birth.data;
    this.#descriptors = birth.descriptors;
    for (const fd of [CONTROL_FD, ...Object.values(birth.descriptors)]) syscalls.setCloseOnExec(fd, 1);
    this.#control = openPipe<ToParent, ToChild>(CONTROL_FD);
    this.#control.onMessage((message) => {
      if (message.type === 'stop') this.#stopAsked(message.mode);
      else if (this.#onMessage) this.#onMessage(message.body);
      else this.#early.push(message.body);
    });
    // The parent is gone, whatever the kernel's signal does.
    this.#control.onClose(() => process.exit(1));
  }

  /** The descriptor that the parent handed down under `name`. Throws `ERR_MILLRACE_NO_DESCRIPTOR`. */
  descriptor(name: string): number {
    const fd = this.#descriptors[name];
    if (fd === undefined) {
      const known = Object.keys(this.#descriptors).join(', ');
      throw new ProcessPoolError(
        'ERR_MILLRACE_NO_DESCRIPTOR',
        `No descriptor is named '${name}'; there are: ${known}.`,
      );
    }
    return fd;
  }

  /** Tells the parent that this process can do its work. */
  ready(): void {
    this.#control.send({ type: 'ready' });
    this.#control.flush();
  }

  send(body: unknown): void {
    this.#control.send({ type: 'message', body });
    this.#control.flush();
  }

  onMessage(listener: (body: unknown) => void): void {
    this.#onMessage = listener;
    for (const body of this.#early.splice(0)) listener(body);
  }

  /** Called when the parent asks for an orderly end, or SIGTERM does (mode `'signal'`). Default: exit with 0. */
  onStop(listener: (mode: string) => void): void {
    this.#onStop = listener;
    process.on('SIGTERM', () => this.#stopAsked('signal'));
  }

  #stopAsked(mode: string): void {
    if (this.#onStop) this.#onStop(mode);
    else process.exit(0);
  }
}

let context: ChildProcessContext | undefined;

/**
 * Who this process is in the pool that started it; undefined when none did.
 *
 * The first call binds this process to its parent: the kernel kills it when the parent is gone, and it exits when the
 * control pipe ends. SIGINT is ignored from then on, for a terminal sends it to every process, and the parent decides.
 */
export function inherit(): ChildProcessContext | undefined {
  if (context !== undefined) return context;
  const text = process.env[BIRTH_VARIABLE];
  if (text === undefined) return undefined;
  delete process.env[BIRTH_VARIABLE];
  const birth = JSON.parse(text) as Birth;
  if (!dieWithParent(birth.parent)) process.exit(1);
  process.on('SIGINT', () => {});
  context = new ChildProcessContext(birth);
  return context;
}
