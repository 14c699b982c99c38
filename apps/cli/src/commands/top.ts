import { AdminClient } from '../admin/client.js';
import { findServer } from '../admin/find-server.js';
import { type Column, painter, short } from '../admin/format.js';
import type { ProcessReport, Status } from '../admin/reports.js';
import { CommandError, EXIT } from '../command-error.js';
import { processLines, summary } from './status.js';

const REFRESH_MS = 1_000;
const CONTROL_C = '\u0003';
// The alternate screen without a cursor, and back.
const ENTER = '\u001b[?1049h\u001b[?25l';
const LEAVE = '\u001b[?25h\u001b[?1049l';
const HOME = '\u001b[H';
const REST_OF_LINE = '\u001b[K';
const REST_OF_SCREEN = '\u001b[J';

/** What the table may be sorted by, by the key that asks for it; largest first. */
const SORTS: Readonly<
  Record<string, { readonly word: string; readonly of: (process: ProcessReport) => number }>
> = {
  c: { word: 'cpu', of: ({ cpuPercent }) => cpuPercent ?? -1 },
  m: { word: 'memory', of: ({ memory }) => memory ?? -1 },
  n: { word: 'connections', of: ({ connections }) => connections ?? -1 },
  l: { word: 'late loops', of: ({ loopDelayMs }) => loopDelayMs ?? -1 },
};

interface Sample {
  readonly status: Status;
  readonly processes: readonly ProcessReport[];
}

/** Shows a server live, until `q`. Throws where there is no terminal, and when the server has ended. */
export async function top(name: string | undefined): Promise<void> {
  if (!process.stdin.isTTY || !process.stdout.isTTY)
    throw new CommandError('usage', 'top needs a terminal; millrace status --json is for programs.');
  const client = new AdminClient(findServer(name));
  // What is wrong from the beginning is said on the screen that stays.
  const view = new TopView(client, await sampleOf(client));
  await view.run();
}

async function sampleOf(client: AdminClient): Promise<Sample> {
  const [status, { processes }] = await Promise.all([
    client.get<Status>('/v1/status'),
    client.get<{ processes: ProcessReport[] }>('/v1/processes'),
  ]);
  return { status, processes };
}

class TopView {
  readonly #client: AdminClient;
  readonly #paint = painter(process.stdout);
  #sample: Sample;
  #before: Sample;
  #sort = '';
  #note = '';
  /** What the next key answers. */
  #question: { readonly text: string; readonly yes: () => void } | undefined;
  #end: (error?: Error) => void = () => {};
  #timer: NodeJS.Timeout | undefined;

  constructor(client: AdminClient, first: Sample) {
    this.#client = client;
    this.#sample = first;
    this.#before = first;
  }

  async run(): Promise<void> {
    const { stdin, stdout } = process;
    const onKey = (key: string) => this.#pressed(key);
    const onResize = () => this.#draw();
    const onSignal = () => this.#end();
    stdout.write(ENTER);
    stdin.setRawMode(true);
    stdin.setEncoding('utf8').on('data', onKey).resume();
    stdout.on('resize', onResize);
    for (const signal of ['SIGTERM', 'SIGHUP', 'SIGINT'] as const) process.once(signal, onSignal);
    try {
      await new Promise<void>((resolve, reject) => {
        this.#end = (error) => (error ? reject(error) : resolve());
        this.#draw();
        this.#next();
      });
    } finally {
      clearTimeout(this.#timer);
      stdin.off('data', onKey).setRawMode(false).pause();
      stdout.off('resize', onResize);
      for (const signal of ['SIGTERM', 'SIGHUP', 'SIGINT'] as const) process.off(signal, onSignal);
      stdout.write(LEAVE);
    }
  }

  #next(): void {
    this.#timer = setTimeout(() => void this.#refresh(), REFRESH_MS);
  }

  async #refresh(): Promise<void> {
    try {
      const sample = await sampleOf(this.#client);
      this.#before = this.#sample;
      this.#sample = sample;
      this.#note = '';
    } catch (error) {
      if (!(error instanceof CommandError)) return this.#end(error as Error);
      // One that has ended does not come again; one that does not answer may.
      if (error.exitCode !== EXIT.noAnswer) return this.#end(error);
      this.#note = error.message;
    }
    this.#draw();
    this.#next();
  }

  #pressed(key: string): void {
    const question = this.#question;
    this.#question = undefined;
    if (question !== undefined) {
      if (key === 'y') question.yes();
    } else if (key === 'q' || key === CONTROL_C) return this.#end();
    else if (key === 'r')
      this.#question = { text: 'reload all workers? y/n', yes: () => void this.#reload() };
    else if (key in SORTS || key === 't') this.#sort = key;
    this.#draw();
  }

  async #reload(): Promise<void> {
    try {
      for await (const line of this.#client.lines<{ type: string; outcome?: string }>('/v1/reload', {}))
        if (line.type === 'done') this.#note = `reload: ${line.outcome}`;
    } catch (error) {
      this.#note = (error as Error).message;
    }
    this.#draw();
  }

  #draw(): void {
    const { columns, rows } = process.stdout;
    const lines = this.#lines().slice(0, rows - 1);
    const foot = this.#question?.text ?? (this.#note || HELP);
    while (lines.length < rows - 1) lines.push('');
    const screen = [...lines, this.#paint('inverse', foot.slice(0, columns).padEnd(columns))];
    process.stdout.write(
      `${HOME}${screen.map((line) => cut(line, columns) + REST_OF_LINE).join('\r\n')}${REST_OF_SCREEN}`,
    );
  }

  #lines(): string[] {
    const { status, processes } = this.#sample;
    const sort = SORTS[this.#sort];
    const sorted = sort === undefined ? processes : [...processes].sort((a, b) => sort.of(b) - sort.of(a));
    return [...summary(status, this.#paint), '', ...processLines(sorted, this.#paint, [this.#rate()])];
  }

  /** Messages in a second, since the sample before. */
  #rate(): Column<ProcessReport> {
    const { status, processes } = this.#before;
    const seconds = (this.#sample.status.at - status.at) / 1_000;
    const before = new Map(processes.map(({ name, messages }) => [name, messages]));
    return {
      title: 'MSG/S',
      right: true,
      of: ({ name, messages }) => {
        const last = before.get(name);
        if (messages === null || last === null || last === undefined || seconds <= 0) return '-';
        return short(Math.max(0, messages - last) / seconds);
      },
    };
  }
}

const HELP = 'q quit  c cpu  m memory  n connections  l late loops  t tree  r reload';

/** At most so many characters of a line; those that set a colour take no place. */
function cut(line: string, width: number): string {
  let shown = 0;
  let text = '';
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what colours begin with
  for (const [piece] of line.matchAll(/\u001b\[[0-9;]*m|[\s\S]/g)) {
    if (piece.startsWith('\u001b')) text += piece;
    else if (shown++ < width) text += piece;
  }
  return text;
}
