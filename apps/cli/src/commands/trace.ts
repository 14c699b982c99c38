import { AdminClient } from '../admin/client.js';
import { findServer } from '../admin/find-server.js';
import { bytes, painter } from '../admin/format.js';
import type { TraceEvent, TraceSession, TraceStep } from '../admin/reports.js';
import { CommandError } from '../command-error.js';

export interface TraceFlags {
  /** Seconds. */
  readonly for?: number;
  readonly name?: string;
  readonly json?: true;
}

/** Prints what becomes of the messages of one session, until that is closed, the time is over or the command is ended. */
export async function trace(session: number, { for: seconds, name, json }: TraceFlags): Promise<void> {
  const client = new AdminClient(findServer(name));
  const signal = seconds === undefined ? undefined : AbortSignal.timeout(seconds * 1_000);
  const show = json ? (event: TraceEvent) => console.log(JSON.stringify(event)) : lines();
  let hasEnded = false;
  let steps = 0;
  for await (const { data } of client.events(`/v1/sessions/${session}/trace`, undefined, signal)) {
    const event = JSON.parse(data) as TraceEvent;
    if (event.type === 'step') steps++;
    show(event);
    if (event.type !== 'end') continue;
    hasEnded = true;
    console.error(
      event.outcome === 'closed'
        ? `Session ${session} is closed${event.reason === null ? '' : ` ('${event.reason}')`}.`
        : `The server '${client.place.name}' has ended the trace: its admin process ends.`,
    );
  }
  if (hasEnded) return;
  if (signal?.aborted !== true)
    throw new CommandError(
      'failed',
      `The trace has broken off: the admin process of '${client.place.name}' has died. Trace again.`,
    );
  if (steps === 0) console.error(`Nothing was sent or received in ${seconds} s.`);
}

/** Prints events as lines, each with the time since the step before of the same message. */
function lines(): (event: TraceEvent) => void {
  const paint = painter(process.stdout);
  return (event) => {
    switch (event.type) {
      case 'session':
        console.error(headOf(event));
        console.log(paint('dim', TITLES));
        return;
      case 'step':
        console.log(lineOf(event));
        return;
      case 'missed':
        console.error(`${event.steps} steps came faster than they were read`);
    }
  };
}

function headOf({ mode, connection }: TraceSession): string {
  const { session, listener, remoteAddress, remotePort, worker } = connection;
  const client = remoteAddress === '' ? 'unix' : `${remoteAddress} ${remotePort}`;
  const of = worker === null ? '' : `, worker:${worker}`;
  return `session ${session} of ${client}, listener ${listener}${of}, ${mode} mode`;
}

const TITLES = 'TIME             MSG  STEP        PROCESS       BYTES     SINCE';

function lineOf(step: TraceStep): string {
  return [
    clock(step.at).padEnd(15),
    (step.message === null ? '-' : String(step.message)).padStart(4),
    ` ${step.step}`.padEnd(11),
    ` ${step.process}`.padEnd(13),
    (step.bytes === 0 ? '-' : bytes(step.bytes)).padStart(5),
    (step.sinceUs === null ? '-' : duration(step.sinceUs)).padStart(9),
    ` ${noteOf(step)}`,
  ]
    .join(' ')
    .trimEnd();
}

function noteOf({ step, kind, to, from, queuedBytes, totalUs, reason }: TraceStep): string {
  switch (step) {
    case 'dispatched':
      return `${kind} to ${to}`;
    case 'taken':
    case 'answered':
      return kind ?? '';
    case 'collected':
      return `${kind} from ${from}`;
    case 'written':
      return `${totalUs === null ? '' : `${duration(totalUs)} in all`}${waiting(queuedBytes)}`;
    case 'drained':
      return waiting(queuedBytes).slice(2);
    case 'closed':
      return reason ?? '';
    default:
      return '';
  }
}

const waiting = (queued: number | null) => (queued === null || queued === 0 ? '' : `, ${bytes(queued)} wait`);

/** The time of day, with microseconds. */
function clock(at: number): string {
  const date = new Date(at);
  const part = (value: number) => String(value).padStart(2, '0');
  const micros = String(Math.floor((at % 1_000) * 1_000)).padStart(6, '0');
  return `${part(date.getHours())}:${part(date.getMinutes())}:${part(date.getSeconds())}.${micros}`;
}

/** `12µs`, `4.32ms`, `1.20s`. */
function duration(us: number): string {
  if (us < 1_000) return `${Math.round(us)}µs`;
  return us < 1e6 ? `${(us / 1e3).toPrecision(3)}ms` : `${(us / 1e6).toPrecision(3)}s`;
}
