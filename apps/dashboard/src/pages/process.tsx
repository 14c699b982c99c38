import { ask } from '../actions/actions.js';
import { hrefOf } from '../state/route.js';
import { processes, seriesOfProcess } from '../state/server.js';
import { Chart } from '../ui/chart.js';
import { bytes, count, duration, milliseconds, percent, rate, titleOf } from '../ui/format.js';
import { HappeningList } from '../ui/happening-list.js';
import { LogList } from '../ui/log-list.js';
import { Memory, Processor } from '../ui/measures.js';
import { Empty, type Fact, Facts, Panel, State } from '../ui/parts.js';

export function Process({ name }: { readonly name: string }) {
  const found = processes.value.find((process) => process.name === name);
  if (found === undefined)
    return (
      <>
        <h1 tabIndex={-1}>{titleOf(name)}</h1>
        <Empty>
          {processes.value.length === 0 ? 'Asking …' : 'The server has no process of this name.'}{' '}
          <a href={hrefOf('processes')}>All processes</a>
        </Empty>
      </>
    );
  const { role, pid, state, lastFailure, failures } = found;
  const series = seriesOfProcess(name);
  const isWorker = role === 'worker';
  const facts: Fact[] = [
    { label: 'Up', value: duration(found.uptimeMs) },
    { label: 'Processor', value: percent(found.cpuPercent), note: `${duration(found.cpuMs)} in all` },
    { label: 'Memory', value: bytes(found.memory) },
    { label: 'Event-loop delay', value: milliseconds(found.loopDelayMs) },
    ...(isWorker
      ? [
          { label: 'Connections', value: count(found.connections) },
          {
            label: 'Messages',
            value: count(found.messages),
            note: `${count(found.messagesUnderWay)} in hand`,
          },
        ]
      : []),
    ...(role === 'task-worker' ? [{ label: 'Tasks running', value: count(found.tasksRunning) }] : []),
    ...(found.tasksAsked === null ? [] : [{ label: 'Tasks asked for', value: count(found.tasksAsked) }]),
    {
      label: 'Restarts',
      value: count(found.restarts),
      note: failures === null ? '' : `${count(failures)} by failures`,
    },
    ...(lastFailure === null ? [] : [{ label: 'Last failure', value: lastFailure }]),
  ];
  return (
    <>
      <div class="title">
        <h1 tabIndex={-1}>{titleOf(name)}</h1>
        <State state={state} />
        <span class="soft">{pid === null ? 'no process right now' : `process ${pid}`}</span>
        {role !== 'master' && (
          <button type="button" class="grave" onClick={() => ask({ what: 'kill', process: name })}>
            Kill …
          </button>
        )}
      </div>
      <section aria-label="Right now" class="vitals">
        <Facts facts={facts} />
      </section>
      <Panel title="The last ten minutes" id="charts">
        <div class="charts">
          <Processor series={series} label="of one" />
          <Memory series={series} label="resident" />
          {role !== 'admin' && (
            <Chart
              title="Event-loop delay"
              series={series}
              format={milliseconds}
              lines={[{ label: 'late', column: 'loopDelayMs' }]}
            />
          )}
          {isWorker && (
            <>
              <Chart
                title="Messages a second"
                series={series}
                format={rate}
                lines={[{ label: 'received', column: 'messages', perSecond: true }]}
              />
              <Chart
                title="Connections"
                series={series}
                steps="whole"
                format={count}
                lines={[{ label: 'open', column: 'connections' }]}
              />
            </>
          )}
          {role === 'task-worker' && (
            <Chart
              title="Tasks"
              series={series}
              steps="whole"
              format={count}
              lines={[{ label: 'running', column: 'tasksRunning' }]}
            />
          )}
        </div>
      </Panel>
      <div class="columns">
        <Panel title="Its log" id="log">
          <LogList process={name} />
        </Panel>
        <Panel title="What happened" id="happenings">
          <HappeningList process={name} />
        </Panel>
      </div>
    </>
  );
}
