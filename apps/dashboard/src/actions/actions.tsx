import { signal } from '@preact/signals';
import { useState } from 'preact/hooks';
import { post, postForLines } from '../api/request.js';
import type { HeldLine, ReloadLine, ScaleLine } from '../reports.js';
import { processes, status } from '../state/server.js';
import { titleOf } from '../ui/format.js';
import { ActionDialog } from './action-dialog.js';

type Asked = { readonly what: 'reload' | 'scale' } | { readonly what: 'kill'; readonly process: string };

const asked = signal<Asked | undefined>(undefined);

export function ask(what: Asked): void {
  asked.value = what;
}

const close = () => {
  asked.value = undefined;
};

/** The question that is asked right now. */
export function Actions() {
  switch (asked.value?.what) {
    case 'reload':
      return <Reload />;
    case 'scale':
      return <Scale />;
    case 'kill':
      return <Kill process={asked.value.process} />;
    default:
      return null;
  }
}

function Reload() {
  return (
    <ActionDialog title="Reload the workers?" verb="Reload" onClose={close} run={reload}>
      <p>Each worker is replaced by a new process that runs the program as it is now. No client is lost.</p>
      <label class="check">
        <input type="checkbox" name="tasksOnly" /> Task workers alone
      </label>
    </ActionDialog>
  );
}

const OUTCOMES: Readonly<Record<string, string>> = {
  reloaded: 'Reloaded.',
  failed: 'The reload has failed.',
  stopped: 'The server ends: it reloads nothing.',
  requested: 'It is under way.',
};

async function reload(form: FormData, tell: (text: string) => void): Promise<string> {
  let total = 0;
  let replaced = 0;
  let held = '';
  for await (const line of postForLines<ReloadLine>('/v1/reload', { tasksOnly: form.has('tasksOnly') })) {
    if (line.type === 'started') total = line.processes;
    if (line.type === 'replaced') replaced++;
    if (line.type === 'held') held = ` ${heldText(line)}`;
    if (line.type === 'done')
      return [OUTCOMES[line.outcome] ?? line.outcome, `${line.replaced} replaced.`, line.advice ?? '']
        .join(' ')
        .trim();
    tell(`${replaced} of ${total} replaced …${held}`);
  }
  return 'The answer has ended early; the reload goes on.';
}

const heldText = ({ process, pid, state, advice }: HeldLine) =>
  `Waits for ${titleOf(process)}, process ${pid}, which ${state === 'stopped' ? 'is stopped' : 'hangs'}. ${advice}`;

function Kill({ process }: { readonly process: string }) {
  const { pid } = processes.value.find(({ name }) => name === process) ?? { pid: null };
  const run = async (form: FormData) => {
    const signalName = String(form.get('signal'));
    const sent = await post<{ pid: number }>(`/v1/processes/${encodeURIComponent(process)}/kill`, {
      signal: signalName,
    });
    return `${signalName} has been sent to process ${sent.pid}.`;
  };
  return (
    <ActionDialog title={`Send a signal to ${titleOf(process)}?`} verb="Send" grave onClose={close} run={run}>
      <p>
        {pid === null ? 'There is no such process right now. ' : `It is process ${pid}. `}
        What it is handling when it is killed may be lost; the server starts another one.
      </p>
      <label class="field">
        Signal
        <select name="signal">
          <option value="SIGKILL">SIGKILL: ends at once</option>
          <option value="SIGTERM">SIGTERM: ends in order</option>
          <option value="SIGSTOP">SIGSTOP: stands still</option>
          <option value="SIGCONT">SIGCONT: goes on</option>
        </select>
      </label>
    </ActionDialog>
  );
}

function Scale() {
  // As of the question: what is typed stays while the server goes on to tell.
  const [size] = useState(() => status.peek()?.size);
  if (size === undefined) return null;
  const run = async (form: FormData, tell: (text: string) => void) => {
    const body = Object.fromEntries(
      (['workers', 'taskWorkers'] as const)
        .map((name) => [name, Number(form.get(name))] as const)
        .filter(([name, wanted]) => form.has(name) && wanted !== size[name]),
    );
    if (Object.keys(body).length === 0) return 'There are as many already.';
    for await (const line of postForLines<ScaleLine>('/v1/scale', body)) {
      if (line.type === 'held') tell(heldText(line));
      if (line.type === 'ready') tell(`${titleOf(line.process)} is ready …`);
      if (line.type === 'ended') tell(`${titleOf(line.process)} has ended …`);
      if (line.type === 'done') return outcomeOf(line);
    }
    return 'The answer has ended early; the scaling goes on.';
  };
  return (
    <ActionDialog title="How many processes?" verb="Scale" onClose={close} run={run}>
      <p>New workers take connections once they are ready; those that are too many finish what they have.</p>
      <label class="field">
        Workers
        <input
          type="number"
          name="workers"
          min="1"
          max={size.maxWorkers}
          required
          defaultValue={size.workers}
        />
      </label>
      {size.taskWorkers > 0 && (
        <label class="field">
          Task workers
          <input
            type="number"
            name="taskWorkers"
            min="1"
            max={size.maxTaskWorkers}
            required
            defaultValue={size.taskWorkers}
          />
        </label>
      )}
    </ActionDialog>
  );
}

const SCALED: Readonly<Record<string, string>> = {
  scaled: 'Scaled.',
  failed: 'The scaling has failed.',
  stopped: 'The server ends: it scales nothing.',
  requested: 'It is under way.',
};

function outcomeOf(line: Extract<ScaleLine, { type: 'done' }>): string {
  const { outcome, workers, taskWorkers, advice } = line;
  const now = workers === null ? '' : `Workers: ${workers}, task workers: ${taskWorkers ?? 0}.`;
  return [SCALED[outcome] ?? outcome, now, advice ?? ''].filter(Boolean).join(' ');
}
