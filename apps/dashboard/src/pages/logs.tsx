import { useSignal } from '@preact/signals';
import { LEVELS } from '../state/log.js';
import { processes } from '../state/server.js';
import { titleOf } from '../ui/format.js';
import { LogList } from '../ui/log-list.js';
import { Panel } from '../ui/parts.js';

export function Logs() {
  const process = useSignal('');
  const level = useSignal('');
  return (
    <>
      <h1 tabIndex={-1}>Log</h1>
      <Panel
        title="As it is written"
        id="log"
        aside={
          <span class="controls">
            <label>
              Process
              <select onChange={({ currentTarget }) => (process.value = currentTarget.value)}>
                <option value="">all</option>
                {processes.value.map(({ name }) => (
                  <option key={name} value={name}>
                    {titleOf(name)}
                  </option>
                ))}
              </select>
            </label>
            <label>
              From level
              <select onChange={({ currentTarget }) => (level.value = currentTarget.value)}>
                <option value="">any</option>
                {LEVELS.map((name) => (
                  <option key={name}>{name}</option>
                ))}
              </select>
            </label>
          </span>
        }
      >
        <LogList process={process.value || undefined} level={level.value || undefined} />
      </Panel>
    </>
  );
}
