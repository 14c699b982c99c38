import { processes, serverSeries } from '../state/server.js';
import { Chart } from '../ui/chart.js';
import { milliseconds, rate, short } from '../ui/format.js';
import { Memory, Processor, Traffic } from '../ui/measures.js';
import { Panel } from '../ui/parts.js';

export function ServerCharts() {
  const series = serverSeries;
  const hasTasks = processes.value.some(({ role }) => role === 'task-worker');
  return (
    <Panel title="The last ten minutes" id="charts">
      <div class="charts">
        <Chart
          title="Messages a second"
          series={series}
          format={rate}
          lines={[
            { label: 'received', column: 'received', perSecond: true },
            { label: 'answered', column: 'answered', perSecond: true },
          ]}
        />
        <Chart
          title="Connections"
          series={series}
          steps="whole"
          format={short}
          lines={[
            { label: 'open', column: 'connections' },
            { label: 'messages in hand', column: 'underWay' },
          ]}
        />
        <Chart
          title="Event-loop delay"
          series={series}
          format={milliseconds}
          lines={[{ label: 'slowest process', column: 'loopDelayMs' }]}
        />
        <Traffic series={series} />
        {hasTasks && (
          <>
            <Chart
              title="Task queue"
              series={series}
              steps="whole"
              format={short}
              lines={[
                { label: 'running', column: 'tasksRunning' },
                { label: 'waiting', column: 'tasksWaiting' },
              ]}
            />
            <Chart
              title="Tasks a second"
              series={series}
              format={rate}
              lines={[
                { label: 'completed', column: 'tasksCompleted', perSecond: true },
                { label: 'failed', column: 'tasksFailed', perSecond: true },
              ]}
            />
          </>
        )}
        <Processor series={series} label="all processes" />
        <Memory series={series} label="all processes" />
      </div>
    </Panel>
  );
}
