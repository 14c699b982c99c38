import type { ProcessReport, Role } from '../reports.js';
import { hrefOf } from '../state/route.js';
import { processes } from '../state/server.js';
import { bytes, percent, titleOf } from './format.js';

const GROUPS: readonly { readonly role: Role; readonly title: string }[] = [
  { role: 'worker', title: 'Workers' },
  { role: 'task-worker', title: 'Task workers' },
  { role: 'user-process', title: 'User processes' },
  { role: 'service', title: 'Services' },
  { role: 'standby', title: 'Standbys' },
];
/** A meter is full at so much of one processor. */
const FULL_PERCENT = 100;

/** Who has started whom, and how each is: the picture of a server. */
export function ProcessTree() {
  const { value: all } = processes;
  const of = (role: Role) => all.filter((process) => process.role === role);
  return (
    <ul class="tree">
      {of('master').map((master) => (
        <li key={master.name}>
          <Node process={master} />
          <ul>
            {of('manager').map((manager) => (
              <li key={manager.name}>
                <Node process={manager} />
                <ul>
                  {GROUPS.map(({ role, title }) => (
                    <Group key={role} title={title} members={of(role)} />
                  ))}
                </ul>
              </li>
            ))}
            {of('admin').map((admin) => (
              <li key={admin.name}>
                <Node process={admin} />
              </li>
            ))}
          </ul>
        </li>
      ))}
    </ul>
  );
}

function Group({ title, members }: { readonly title: string; readonly members: readonly ProcessReport[] }) {
  if (members.length === 0) return null;
  const ready = members.filter(({ state }) => state === 'ready' || state === 'standby').length;
  return (
    <li class="group">
      <span class="group-title">
        {title}{' '}
        <small>{ready === members.length ? members.length : `${ready} of ${members.length} ready`}</small>
      </span>
      <ul class="tiles">
        {members.map((process) => (
          // A new process is a new tile, which shows for a moment that it is one.
          <li key={`${process.name} ${process.pid}`}>
            <Tile process={process} />
          </li>
        ))}
      </ul>
    </li>
  );
}

function Node({ process }: { readonly process: ProcessReport }) {
  const { name, pid, state, cpuPercent, memory } = process;
  return (
    <a class="node" data-state={state} href={hrefOf('process', name)} key={pid}>
      <strong>{titleOf(name)}</strong>
      <span class="node-state">{state}</span>
      <span class="node-numbers">
        {percent(cpuPercent)} · {bytes(memory)}
      </span>
    </a>
  );
}

function Tile({ process }: { readonly process: ProcessReport }) {
  const { name, id, state, cpuPercent, memory, restarts } = process;
  const load = Math.min((cpuPercent ?? 0) / FULL_PERCENT, 1);
  const label = `${titleOf(name)}, ${state}, processor ${percent(cpuPercent)}, memory ${bytes(memory)}`;
  return (
    <a
      class="tile"
      data-state={state}
      data-fresh={(restarts ?? 0) > 0 ? '' : undefined}
      href={hrefOf('process', name)}
      aria-label={label}
      title={label}
    >
      <span class="tile-id">{id}</span>
      <span class="meter">
        <span style={{ transform: `scaleX(${load})` }} />
      </span>
    </a>
  );
}
