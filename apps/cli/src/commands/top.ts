import { AdminClient } from '../admin/client.js';
import { findServer } from '../admin/find-server.js';
import { type Column, painter, short } from '../admin/format.js';
import type { Listener, ProcessReport, Status } from '../admin/reports.js';
import { CommandError, EXIT } from '../command-error.js';
import { listenerLines, processLines, summary } from './status.js';

const REFRESH_MS = 1_000;
const CONTROL_C = '\u0003';
const ESCAPE = '\u001b';
const ENTER_KEY = '\r';
const BACKSPACE = '\u007f';
const UP = '\u001b[A';
const DOWN = '\u001b[B';
/** Listeners that are shown; the others are counted. */
const MOST_LISTENERS = 4;
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
  l: { word: 'late loops', of: ({ loopDelayP99Ms }) => loopDelayP99Ms ?? -1 },
};

interface Sample {
  readonly status: Status;
  readonly processes: readonly ProcessReport[];
  readonly listeners: readonly Listener[];
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
  const [status, { processes }, { listeners }] = await Promise.all([
    client.get<Status>('/v1/status'),
    client.get<{ processes: ProcessReport[] }>('/v1/processes'),
    client.get<{ listeners: Listener[] }>('/v1/listeners'),
  ]);
  return { status, processes, listeners };
}

class TopView {
  readonly #client: AdminClient;
  readonly #paint = painter(process.stdout);
  #sample: Sample;
  #before: Sample;
  #sort = '';
  #note = '';
  /** What the names and states of the processes that are shown have in them. */
  #filter = '';
  #isTyping = false;
  /** The name of the process that keys are about. */
  #selected = '';
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
    if (this.#isTyping) return this.#typed(key);
    const question = this.#question;
    this.#question = undefined;
    if (question !== undefined) {
      if (key === 'y') question.yes();
    } else if (key === 'q' || key === CONTROL_C) return this.#end();
    else if (key === 'r')
      this.#question = { text: 'reload all workers? y/n', yes: () => void this.#reload() };
    else if (key === 'f') this.#isTyping = true;
    else if (key === 'k') this.#askForKill();
    else if (key === UP) this.#select(-1);
    else if (key === DOWN) this.#select(1);
    else if (key === ESCAPE) this.#filter = '';
    else if (key in SORTS || key === 't') this.#sort = key;
    this.#draw();
  }

  /** A key of the filter. */
  #typed(key: string): void {
    if (key === CONTROL_C) return this.#end();
    if (key === ENTER_KEY || key === ESCAPE) this.#isTyping = false;
    if (key === ESCAPE) this.#filter = '';
    else if (key === BACKSPACE) this.#filter = this.#filter.slice(0, -1);
    else if (/^[\w: -]+$/.test(key)) this.#filter = `${this.#filter}${key}`.slice(0, 32);
    this.#draw();
  }

  #select(step: number): void {
    const names = this.#shown().map(({ name }) => name);
    const at = names.indexOf(this.#selected);
    const next = at === -1 ? (step > 0 ? 0 : names.length - 1) : at + step;
    this.#selected = names[Math.min(names.length - 1, Math.max(0, next))] ?? '';
  }

  #askForKill(): void {
    const chosen = this.#shown().find(({ name }) => name === this.#selected);
    if (chosen === undefined) this.#note = 'choose a process by the arrow keys first';
    else if (chosen.role === 'master') this.#note = 'the server ends with its master: millrace stop';
    else
      this.#question = {
        text: `SIGKILL to ${chosen.name}, process ${chosen.pid ?? '-'}? y/n`,
        yes: () => void this.#kill(chosen.name),
      };
  }

  async #kill(name: string): Promise<void> {
    try {
      await this.#client.post(`/v1/processes/${encodeURIComponent(name)}/kill`, { signal: 'SIGKILL' });
      this.#note = `SIGKILL has been sent to ${name}`;
    } catch (error) {
      this.#note = (error as Error).message;
    }
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
    const filter = `filter: ${this.#filter}_  enter keeps it, esc clears it`;
    const foot = this.#isTyping ? filter : (this.#question?.text ?? (this.#note || HELP));
    while (lines.length < rows - 1) lines.push('');
    const screen = [...lines, this.#paint('inverse', foot.slice(0, columns).padEnd(columns))];
    process.stdout.write(
      `${HOME}${screen.map((line) => cut(line, columns) + REST_OF_LINE).join('\r\n')}${REST_OF_SCREEN}`,
    );
  }

  #lines(): string[] {
    const { status, listeners } = this.#sample;
    const shown = this.#shown();
    const [titles = '', ...rows] = processLines(shown, this.#paint, [this.#rate()]);
    const more = listeners.length - MOST_LISTENERS;
    return [
      ...summary(status, this.#paint),
      ...listenerLines(listeners.slice(0, MOST_LISTENERS), this.#paint),
      ...(more > 0 ? [`and ${more} more`] : []),
      this.#filter === '' ? '' : `of ${this.#sample.processes.length} processes those with '${this.#filter}'`,
      ` ${titles}`,
      // A mark, not a colour: there may be none.
      ...rows.map((row, at) => (shown[at]?.name === this.#selected ? `>${row}` : ` ${row}`)),
    ];
  }

  #shown(): readonly ProcessReport[] {
    const { processes } = this.#sample;
    const found = processes.filter(({ name, state }) => `${name} ${state}`.includes(this.#filter));
    const sort = SORTS[this.#sort];
    return sort === undefined ? found : found.sort((a, b) => sort.of(b) - sort.of(a));
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

const HELP = 'q quit  sort: c cpu m mem n conn l late t tree  f filter  ↑↓ k kill  r reload';

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
