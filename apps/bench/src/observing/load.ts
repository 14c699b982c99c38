import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const EVERY_MS = 20;
/** Longer than any measurement. */
const SECONDS = 3_600;

/** Clients that load a server without an end, in a process of their own: by `tcpload`, or by Node. */
export class Load {
  readonly #process: ChildProcess;
  readonly #ended: Promise<never>;
  #answers = 0;
  /** Milliseconds that were counted. */
  #counted = 0;
  #last = 0;

  constructor(tcpload: string | undefined, port: number, connections: number) {
    const [file, ...args] =
      tcpload === undefined
        ? [
            process.execPath,
            fileURLToPath(new URL('clients.js', import.meta.url)),
            port,
            connections,
            EVERY_MS,
          ]
        : [tcpload, ...flags({ p: port, c: connections, s: 64, f: 'nl', w: 0, t: SECONDS, i: EVERY_MS })];
    this.#process = spawn(file as string, args.map(String), { stdio: ['ignore', 'ignore', 'pipe'] });
    this.#ended = new Promise((_, reject) => {
      this.#process.once('error', reject);
      this.#process.once('exit', (code) => reject(new Error(`The clients have ended with ${code}.`)));
    });
    // It is raced below; what happens to it elsewhere is the end.
    this.#ended.catch(() => {});
    createInterface({ input: this.#process.stderr as NodeJS.ReadableStream }).on('line', (line) => {
      const [, at, answers] = /^\s*([\d.]+) ms\s+(\d+) answers/.exec(line) ?? [];
      if (at === undefined) return console.error(line);
      this.#answers += Number(answers);
      this.#counted += Number(at) - this.#last;
      this.#last = Number(at);
    });
  }

  /** Answers in a second, over so many milliseconds from now on. */
  async rate(ms: number): Promise<number> {
    const [answers, counted] = [this.#answers, this.#counted];
    await Promise.race([new Promise((resolve) => setTimeout(resolve, ms)), this.#ended]);
    return ((this.#answers - answers) * 1_000) / (this.#counted - counted);
  }

  close(): void {
    this.#process.kill('SIGKILL');
  }
}

const flags = (named: Readonly<Record<string, string | number>>) =>
  Object.entries(named).flatMap(([flag, value]) => [`-${flag}`, value]);
