import { once } from 'node:events';
import { fstatSync, readSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DiagnosisKind } from '../contract/diagnosis.js';
import type { PeerId } from '../contract/ids.js';
import { type AnswerState, type DiagnosisAnswer, DiagnosisWords } from '../diagnosis/diagnosis-words.js';
import { INTERRUPTION } from './admin-assignment.js';
import type { MasterLink } from './master-link.js';
import { noProcess, type Reply, RequestError } from './replies.js';
import type { ServerView } from './server-view.js';

/** Milliseconds between two looks for an answer. */
const LOOK_MS = 10;
/** Milliseconds between two looks whether a process lives that a profile is taken of. */
const WATCH_MS = 200;
/** Milliseconds for a loop that turns to answer, after which it is interrupted. */
const TURNS_MS = 400;
/** Milliseconds for a process to begin. */
const BEGIN_MS = 3_000;
/** Milliseconds for it to write down what there is: a large heap takes its time. */
const WRITE_MS = 120_000;
/** Milliseconds in which a client takes nothing of a profile, after which it is closed: others wait for the file. */
const UNREAD_MS = 30_000;
/** Bytes of the answer file that are read in one go. */
const PIECE_BYTES = 1 << 18;
/** Bytes of an error or an address at most. */
const MOST_TEXT_BYTES = 4_096;

/** A process that is looked into. */
interface Target {
  readonly name: string;
  readonly peer: PeerId;
  readonly pid: number;
}

export type ProfileKind = 'cpu' | 'heap';

interface DebuggerReport {
  readonly process: string;
  readonly pid: number;
  /** null: it is closed. */
  readonly url: string | null;
}

/** The code of a refusal. */
const SILENT = 'SILENT';

interface Parts {
  readonly view: ServerView;
  readonly master: MasterLink;
  /** Undefined: there is none. */
  readonly answerFile: number | undefined;
}

/**
 * Has processes look into themselves, one at a time: they write what they find into one file, which is read here. A process is told by the
 * master, and interrupted where its loop does not turn; nothing is waited for longer than a process lives.
 */
export class Diagnoses {
  readonly #parts: Parts;
  /** Addresses of debuggers that have been opened, by pid. */
  readonly #debuggers = new Map<number, string>();
  #isBusy = false;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** The answer begins when the process has begun, and has the profile at its end. A client that goes away ends it. */
  async profile(name: string, kind: ProfileKind, seconds: number): Promise<Reply> {
    const target = this.#target(name);
    this.#take();
    try {
      const order = await this.#ask(target, kind === 'cpu' ? 'start' : 'heap');
      await this.#answer(target, order, BEGIN_MS, 'begun');
      return { serve: (response) => void this.#record(target, kind, seconds, order, response) };
    } catch (error) {
      this.#isBusy = false;
      throw error;
    }
  }

  /** The address of its debugger, which is open from then on. */
  async inspect(name: string): Promise<DebuggerReport> {
    const target = this.#target(name);
    const { pid } = target;
    try {
      const { bytes } = await this.#once(target, 'open');
      this.#debuggers.set(pid, this.#text(bytes));
    } catch (error) {
      // A loop that does not turn is interrupted by opening the debugger, which is open already.
      const isKnown = error instanceof RequestError && error.code === SILENT && this.#debuggers.has(pid);
      if (!isKnown) throw error;
    }
    return { process: target.name, pid, url: this.#debuggers.get(pid) as string };
  }

  async closeDebugger(name: string): Promise<DebuggerReport> {
    const target = this.#target(name);
    await this.#once(target, 'close');
    this.#debuggers.delete(target.pid);
    return { process: target.name, pid: target.pid, url: null };
  }

  async #once(target: Target, kind: DiagnosisKind): Promise<DiagnosisAnswer> {
    this.#take();
    try {
      return await this.#answer(target, await this.#ask(target, kind), BEGIN_MS, 'done');
    } finally {
      this.#isBusy = false;
    }
  }

  async #record(
    target: Target,
    kind: ProfileKind,
    seconds: number,
    begun: number,
    response: ServerResponse,
  ): Promise<void> {
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    if (response.destroyed) gone.abort();
    // It says nothing for as long as it has been asked for.
    response.setTimeout(0);
    const { name, pid } = target;
    const extension = kind === 'cpu' ? 'cpuprofile' : 'heapsnapshot';
    response.writeHead(200, {
      'content-type': 'application/json',
      'cache-control': 'no-store',
      'content-disposition': `attachment; filename="${name.replace(':', '-')}-${pid}.${extension}"`,
    });
    response.flushHeaders();
    try {
      const isOver = kind === 'heap' || (await this.#passed(target, seconds * 1_000, gone.signal));
      const order = kind === 'heap' ? begun : await this.#ask(target, isOver ? 'stop' : 'cancel');
      const { bytes } = await this.#answer(target, order, WRITE_MS, 'done');
      if (isOver) await this.#send(bytes, response, gone.signal);
      response.end();
    } catch (error) {
      // The answer has begun: that it breaks off is what a client can be told.
      if (!gone.signal.aborted) console.error('millrace: admin:', (error as Error).message);
      response.destroy();
    } finally {
      this.#isBusy = false;
    }
  }

  /** Whether that time has passed: the client may have gone before. Throws where the process ends meanwhile. */
  async #passed({ name, pid }: Target, ms: number, signal: AbortSignal): Promise<boolean> {
    const until = performance.now() + ms;
    for (let left = ms; left > 0; left = until - performance.now()) {
      await pause(Math.min(left, WATCH_MS), signal);
      if (signal.aborted) return false;
      if (this.#pidOf(name) !== pid) throw ended(name);
    }
    return true;
  }

  #pidOf(name: string): number | null | undefined {
    return this.#parts.view.processes.find(name)?.report.pid;
  }

  async #send(bytes: number, response: ServerResponse, signal: AbortSignal): Promise<void> {
    const answerFile = this.#answerFile();
    response.setTimeout(UNREAD_MS);
    const end = Math.min(bytes, fstatSync(answerFile).size);
    for (let at = 0; at < end; ) {
      const piece = Buffer.alloc(Math.min(PIECE_BYTES, end - at));
      const read = readSync(answerFile, piece, 0, piece.length, at);
      if (read === 0) throw new Error('the profile has been cut off');
      at += read;
      if (!response.write(piece.subarray(0, read))) await once(response, 'drain', { signal });
    }
  }

  #target(name: string): Target {
    const found = this.#parts.view.processes.find(name);
    if (found === undefined) throw noProcess(name, this.#parts.view.processes.all());
    const { report, peer } = found;
    const { name: own, pid, state } = report;
    if (report.role === 'standby')
      throw new RequestError(
        409,
        'STANDBY',
        `${own} runs nothing of the program yet: look into worker:${report.id}.`,
      );
    if (peer === undefined)
      throw new RequestError(409, 'ADMIN', 'The admin process does not look into itself.');
    if (pid === null)
      throw new RequestError(
        409,
        'NO_PROCESS_NOW',
        `There is no process '${own}' right now: the next one is on its way.`,
      );
    if (state === 'stopped')
      throw new RequestError(
        409,
        'STOPPED',
        `${own} is stopped by a signal, or in a debugger: let it go on first (millrace kill ${own} --signal SIGCONT).`,
      );
    return { name: own, peer, pid };
  }

  #take(): void {
    this.#answerFile();
    if (this.#isBusy)
      throw new RequestError(409, 'BUSY', 'Another process is being looked into: one at a time is.');
    this.#isBusy = true;
  }

  #answerFile(): number {
    const { answerFile } = this.#parts;
    if (answerFile === undefined)
      throw new RequestError(
        503,
        'NO_FILE',
        'This server could open no file for the answer when it started, neither in its temporary directory nor in /dev/shm: its log tells why.',
      );
    return answerFile;
  }

  async #ask({ name, peer, pid }: Target, kind: DiagnosisKind): Promise<number> {
    const order = await this.#parts.master.diagnose(peer, pid, kind);
    if (order === undefined) throw ended(name);
    return order;
  }

  async #answer(target: Target, order: number, ms: number, wanted: AnswerState): Promise<DiagnosisAnswer> {
    const { view, master } = this.#parts;
    const { name, peer, pid } = target;
    const words = new DiagnosisWords(view.words(peer));
    const beganAt = performance.now();
    let isInterrupted = false;
    for (;;) {
      const answer = words.answerTo(order);
      if (answer?.state === 'failed')
        throw new RequestError(409, 'FAILED', `${name} cannot do that: ${this.#text(answer.bytes)}.`);
      if (answer?.state === wanted || answer?.state === 'done') return answer;
      if (this.#pidOf(name) !== pid) throw ended(name);
      const waited = performance.now() - beganAt;
      if (waited > ms) throw silent(name);
      // What has begun is at work: it needs no interruption to go on.
      if (answer === undefined && !isInterrupted && waited > TURNS_MS) {
        isInterrupted = true;
        // Where that is not done, it has the time that there is to read its messages.
        await master.signal(peer, pid, INTERRUPTION);
      }
      await sleep(LOOK_MS);
    }
  }

  #text(bytes: number): string {
    const text = Buffer.alloc(Math.min(bytes, MOST_TEXT_BYTES));
    return text.toString('utf8', 0, readSync(this.#answerFile(), text, 0, text.length, 0));
  }
}

/** Until then, or until the signal. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return sleep(ms, undefined, { signal }).catch(() => {});
}

function ended(name: string): RequestError {
  return new RequestError(409, 'NO_PROCESS_NOW', `The process that was ${name} has ended.`);
}

function silent(name: string): RequestError {
  return new RequestError(
    504,
    SILENT,
    `${name} does not answer, and cannot be interrupted: it is in native code or a system call, its debugger is open already, or it has been started with --disable-sigusr1.`,
  );
}
