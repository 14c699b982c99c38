import { fstatSync, ftruncateSync, writeSync } from 'node:fs';
import type * as Inspector from 'node:inspector';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { writeHeapSnapshot } from 'node:v8';
import { syscalls } from '@millrace/native/syscalls';
import type { DiagnosisKind } from '../contract/diagnosis.js';
import type { DiagnosisWords } from './diagnosis-words.js';

/** Milliseconds after which a CPU profile that has not been asked for is forgotten: what has begun it has gone. */
const FORGOTTEN_MS = 330_000;
const STACK_FRAMES = 40;
const LOOPBACK = '127.0.0.1';

/** What Node emits when its debugger opens, in the middle of whatever its loop does. */
const OPENED = 'NODE_DEBUG_ENABLED';

/** The function of Node by which a program opens its debugger itself. */
const BY_PROGRAM = /\binspectorOpen .*\(node:inspector:|\bopen\]? \(node:inspector:/;

const require = createRequire(import.meta.url);

interface Parts {
  readonly words: DiagnosisWords;
  readonly answerFile: number;
}

interface Profiling {
  readonly session: Inspector.Session;
  readonly end: NodeJS.Timeout;
  /** Where the process was when it was interrupted: see `interruptedAt`. */
  readonly stacks: (readonly string[])[];
}

/**
 * A process that is looked into while it runs: its CPU profile, its heap, its debugger.
 *
 * It hears of it by a control message. A loop that does not turn reads none: then the master sends SIGURG, which {@link interruptible} has
 * given to the thread by which Node opens its debugger. That interrupts JavaScript wherever it is and emits an event, in whose listener the
 * order is read from shared memory and obeyed; the debugger is closed again before that, unless it is what was asked for.
 */
export class Diagnosis {
  readonly #open: () => Parts | undefined;
  #parts: Parts | undefined;
  #profiling: Profiling | undefined;
  #last = 0;

  /** `open`: called once there is something to do; undefined: this process has no place to answer in. */
  constructor(open: () => Parts | undefined) {
    this.#open = open;
  }

  /** Obeys orders also while the loop does not turn. */
  listen(): void {
    if (!isPortGiven()) process.debugPort = 0;
    process.on('internalMessage' as 'message', (message) => {
      if ((message as { readonly cmd?: unknown } | undefined)?.cmd !== OPENED) return;
      const stack = callers();
      if (stack.some((line) => BY_PROGRAM.test(line))) return;
      this.#parts ??= this.#open();
      const found = this.#parts?.words.order;
      // Also where there is nothing to do: its message was read meanwhile, or the signal has come from elsewhere.
      if (found?.kind !== 'open') inspector().close();
      if (found !== undefined) this.obey(found.order, found.kind, stack);
    });
  }

  /** Obeys an order, once. `stack`: where the process was interrupted for it. */
  obey(order: number, kind: DiagnosisKind, stack?: readonly string[]): void {
    this.#parts ??= this.#open();
    if (this.#parts === undefined || order <= this.#last) return;
    this.#last = order;
    const { words } = this.#parts;
    const done = (bytes = 0) => words.answer({ order, state: 'done', bytes });
    try {
      switch (kind) {
        case 'start':
          this.#start(stack);
          return words.answer({ order, state: 'begun', bytes: 0 });
        case 'stop':
          return done(this.#stop(stack));
        case 'cancel':
          this.#forget();
          return done();
        case 'heap':
          words.answer({ order, state: 'begun', bytes: 0 });
          return done(this.#heap());
        case 'open':
          return done(this.#write([openDebugger()]));
        case 'close':
          inspector().close();
          return done();
      }
    } catch (error) {
      words.answer({ order, state: 'failed', bytes: this.#tryToWrite((error as Error).message) });
    }
  }

  #start(stack: readonly string[] | undefined): void {
    this.#forget();
    const session = newSession();
    post(session, 'Profiler.enable');
    post(session, 'Profiler.start');
    this.#profiling = {
      session,
      end: setTimeout(() => this.#forget(), FORGOTTEN_MS).unref(),
      stacks: stack === undefined ? [] : [stack],
    };
  }

  #stop(stack: readonly string[] | undefined): number {
    if (this.#profiling === undefined) throw new Error('no profile has been begun');
    const { stacks } = this.#profiling;
    if (stack !== undefined) stacks.push(stack);
    const { profile } = post(this.#profiling.session, 'Profiler.stop') as { readonly profile: object };
    this.#forget();
    return this.#write([
      // V8 does not know the code that it has compiled for a loop while that ran: the innermost function is missing from such a profile.
      JSON.stringify(stacks.length === 0 ? profile : { ...profile, interruptedAt: stacks }),
    ]);
  }

  #forget(): void {
    if (this.#profiling === undefined) return;
    clearTimeout(this.#profiling.end);
    this.#profiling.session.disconnect();
    this.#profiling = undefined;
  }

  /** By V8's own writer: the inspector's, of newer versions of Node, waits for a turn of the loop. */
  #heap(): number {
    const file = this.#beginAnswer();
    writeHeapSnapshot(`/proc/self/fd/${file}`);
    return fstatSync(file).size;
  }

  #write(pieces: readonly string[]): number {
    const file = this.#beginAnswer();
    let bytes = 0;
    for (const piece of pieces) bytes += writeAll(file, Buffer.from(piece), bytes);
    return bytes;
  }

  #tryToWrite(text: string): number {
    try {
      return this.#write([text]);
    } catch {
      // The disk is full, which is what has failed: that it has is told by the state alone.
      return 0;
    }
  }

  #beginAnswer(): number {
    const { answerFile } = this.#parts as Parts;
    ftruncateSync(answerFile, 0);
    return answerFile;
  }
}

/** Before anything listens to SIGUSR1, which Node opens its debugger by: SIGURG, which is ignored otherwise, does so as well. */
export function interruptible(): void {
  // -ENOENT: Node has been told to leave the signal alone. A loop that does not turn cannot be interrupted then.
  syscalls.copySignalHandler(constants.signals.SIGUSR1, constants.signals.SIGURG);
}

function isPortGiven(): boolean {
  return [...process.execArgv, process.env.NODE_OPTIONS ?? ''].some(
    (option) => /--(inspect|debug)[-_=]?/.test(option) && !option.includes('publish-uid'),
  );
}

/** The stack below the emitter whose listener calls this: the innermost function first. */
function callers(): string[] {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = STACK_FRAMES;
  const lines = new Error().stack?.split('\n').map((line) => line.trim()) ?? [];
  Error.stackTraceLimit = stackTraceLimit;
  const emitter = lines.findIndex((line) => /\bemit \(node:events/.test(line));
  return lines.slice(emitter + 1).map((line) => line.replace(/^at /, ''));
}

function inspector(): typeof Inspector {
  return require('node:inspector') as typeof Inspector;
}

function openDebugger(): string {
  const { open, url } = inspector();
  // A port that is given is the program's to choose; Node throws where it is open already.
  if (url() === undefined) open(isPortGiven() ? undefined : 0, LOOPBACK);
  return url() as string;
}

function newSession(): Inspector.Session {
  const session = new (inspector().Session)();
  session.connect();
  return session;
}

/** The thread that asks is the one that answers: it has when this returns. Throws what it says has failed. */
function post(session: Inspector.Session, method: string): unknown {
  let failed: Error | null = null;
  let answer: unknown;
  session.post(method, (error: Error | null, result?: object) => {
    failed = error;
    answer = result;
  });
  if (failed !== null) throw failed;
  return answer;
}

function writeAll(file: number, bytes: Buffer, position: number): number {
  for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at, bytes.length - at, position + at);
  return bytes.length;
}
