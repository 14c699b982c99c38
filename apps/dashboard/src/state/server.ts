import { signal } from '@preact/signals';
import { LiveStream, type StreamState } from '../api/live-stream.js';
import { AdminError, get } from '../api/request.js';
import { forgetToken, token } from '../api/token.js';
import type { History, Listener, ProcessEvent, ProcessReport, Status } from '../reports.js';
import { forgetHappenings, heard, saw } from './happenings.js';
import { Series } from './series.js';

/** The status comes each second: so long without one, and what sends it hangs or is gone. */
const SILENT_MS = 4_000;
/** Milliseconds that a page goes on in the background. Then it stops to take one of the few connections that a browser has for a host. */
const HIDDEN_MS = 15_000;

const SERVER_SERIES = [
  'connections',
  'received',
  'answered',
  'underWay',
  'bytesIn',
  'bytesOut',
  'tasksCompleted',
  'tasksFailed',
  'tasksWaiting',
  'tasksRunning',
  'cpuPercent',
  'memory',
  'loopDelayMs',
] as const;
export type ServerSeries = Series<(typeof SERVER_SERIES)[number]>;

const PROCESS_SERIES = [
  'cpuPercent',
  'memory',
  'loopDelayMs',
  'connections',
  'messages',
  'tasksRunning',
] as const;
export type ProcessSeries = Series<(typeof PROCESS_SERIES)[number]>;

const LISTENER_SERIES = ['connections', 'messagesIn', 'messagesOut', 'bytesIn', 'bytesOut'] as const;
export type ListenerSeries = Series<(typeof LISTENER_SERIES)[number]>;

export const status = signal<Status | undefined>(undefined);
export const processes = signal<readonly ProcessReport[]>([]);
export const listeners = signal<readonly Listener[]>([]);
export const stream = signal<StreamState>('connecting');
export const serverSeries: ServerSeries = new Series(SERVER_SERIES);

/** Of the processes whose pages have been opened. */
const processSeries = new Map<string, ProcessSeries>();
const listenerSeries = new Map<number, ListenerSeries>();
let live: LiveStream | undefined;
let hidden: ReturnType<typeof setTimeout> | undefined;

/** Whether the token is the server's, which is then looked at. Throws `AdminError` where that cannot be told. */
export async function enter(): Promise<boolean> {
  try {
    status.value = await get<Status>('/v1/status');
  } catch (error) {
    if (error instanceof AdminError && error.status === 401) return false;
    throw error;
  }
  open();
  return true;
}

export function leave(): void {
  live?.close();
  live = undefined;
  forgetToken();
  forgetHappenings();
  status.value = undefined;
  processes.value = [];
  listeners.value = [];
}

/** Looks at the server no longer while nobody looks at the page. */
export function followVisibility(): void {
  document.addEventListener('visibilitychange', () => {
    clearTimeout(hidden);
    if (status.value === undefined) return;
    if (document.visibilityState === 'visible') return open();
    hidden = setTimeout(() => {
      live?.close();
      live = undefined;
    }, HIDDEN_MS);
  });
}

/** The numbers of a process over time, from now on and, when they have come, from before. */
export function seriesOfProcess(name: string): ProcessSeries {
  const found = processSeries.get(name);
  if (found !== undefined) return found;
  const series: ProcessSeries = new Series(PROCESS_SERIES);
  processSeries.set(name, series);
  void fillProcess(name, series);
  return series;
}

export function seriesOfListener(index: number): ListenerSeries {
  const found: ListenerSeries = listenerSeries.get(index) ?? new Series(LISTENER_SERIES);
  listenerSeries.set(index, found);
  return found;
}

function open(): void {
  if (live !== undefined) return;
  live = new LiveStream('/v1/events?with=processes,listeners', {
    silentMs: SILENT_MS,
    onEvent: take,
    onState: (state) => {
      stream.value = state;
      if (state === 'open') void fill();
      // The server has another token by now.
      if (state === 'refused') leave();
    },
  });
}

/** What was before, or while the stream was lost. Charts do without where it does not come. */
async function fill(): Promise<void> {
  try {
    serverSeries.fill(await get<History<ServerSeries['names'][number]>>('/v1/history'));
    for (const [name, series] of processSeries) await fillProcess(name, series);
  } catch (error) {
    if (!(error instanceof AdminError)) throw error;
  }
}

async function fillProcess(name: string, series: ProcessSeries): Promise<void> {
  try {
    series.fill(await get(`/v1/processes/${encodeURIComponent(name)}/history`));
  } catch (error) {
    if (!(error instanceof AdminError)) throw error;
  }
}

function take(event: string, data: unknown): void {
  switch (event) {
    case 'status':
      return takeStatus(data as Status);
    case 'processes':
      return takeProcesses(data as { at: number; processes: ProcessReport[] });
    case 'listeners':
      return takeListeners(data as { at: number; listeners: Listener[] });
    case 'process':
      return takeEvent(data as ProcessEvent);
  }
}

function takeStatus(now: Status): void {
  status.value = now;
}

function takeProcesses({ at, processes: now }: { at: number; processes: ProcessReport[] }): void {
  saw(processes.value, now, at);
  processes.value = now;
  for (const [name, series] of processSeries) {
    const found = now.find((process) => process.name === name);
    if (found !== undefined) series.push(at, found);
  }
  const { value: server } = status;
  if (server === undefined) return;
  const { connections, messages, tasks } = server;
  const sum = (of: (process: ProcessReport) => number | null) =>
    now.reduce((all, process) => all + (of(process) ?? 0), 0);
  serverSeries.push(server.at, {
    connections: connections.open,
    received: messages.received,
    answered: messages.answered,
    underWay: messages.underWay,
    bytesIn: messages.bytesIn,
    bytesOut: messages.bytesOut,
    tasksCompleted: tasks.completed,
    tasksFailed: tasks.failed,
    tasksWaiting: tasks.waiting,
    tasksRunning: tasks.running,
    cpuPercent: sum(({ cpuPercent }) => cpuPercent),
    memory: sum(({ memory }) => memory),
    loopDelayMs: Math.max(...now.map(({ loopDelayMs }) => loopDelayMs ?? 0)),
  });
}

function takeListeners({ at, listeners: now }: { at: number; listeners: Listener[] }): void {
  listeners.value = now;
  for (const listener of now) seriesOfListener(listener.index).push(at, listener);
}

/** At once, and not with the next snapshot. */
function takeEvent(event: ProcessEvent): void {
  const { process: name, state, pid, lastFailure } = event;
  heard(event);
  processes.value = processes.value.map((process) =>
    process.name === name ? { ...process, state, pid, lastFailure } : process,
  );
}

/** Whether this server asks for a token at all: its unix socket does not. */
export const hasToken = () => token.value !== null;
