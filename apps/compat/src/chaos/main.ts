/**
 * `npm run chaos-http [-- --workers 4 --connections 200 --kills 300 --kill-every 200 --reloads 100 --sockets 1000 --socket-reloads 20]`: what clients
 * see of programs that `millrace start` has started while workers are killed and reloaded, one scene a line, as JSON. With
 * `--mode base` in that mode, and with `--table FILE` it writes the results into a page. Ends with 1 when something has happened that must not.
 *
 * With `--port PORT [--seconds 60] [--delay MS] [--rest MS] [--pids PID,… | --kill answered]` it is a checked load on
 * `programs/echo-id.js`, however that was started; it kills the processes that it is told, or those that have answered it lately.
 */
import { parseArgs } from 'node:util';
import { startCommand } from '../start.js';
import type { Asked } from './asking.js';
import { ChaosClient } from './client.js';
import { killInTurn } from './killer.js';
import { type Scene, writeResults } from './results.js';
import {
  killUnderSockets,
  killWorkers,
  killWorkersAtBytes,
  probeKilledWorkers,
  reloadUnderSockets,
  reloadWorkers,
} from './scenes.js';
import { violations } from './verdict.js';

const { values } = parseArgs({
  options: {
    port: { type: 'string' },
    connections: { type: 'string', default: '200' },
    seconds: { type: 'string', default: '60' },
    delay: { type: 'string', default: '0' },
    rest: { type: 'string', default: '0' },
    pids: { type: 'string' },
    kill: { type: 'string' },
    'kill-every': { type: 'string', default: '200' },
    kills: { type: 'string', default: '300' },
    workers: { type: 'string', default: '4' },
    mode: { type: 'string', default: 'process' },
    table: { type: 'string' },
    reloads: { type: 'string', default: '100' },
    sockets: { type: 'string', default: '1000' },
    'socket-reloads': { type: 'string', default: '20' },
  },
});
/** A process that has answered in this time is taken for alive. */
const LATELY_MS = 1000;
/** Of the failures so many are shown. */
const SHOWN = 20;

const [connections, kills, everyMs] = [values.connections, values.kills, values['kill-every']].map(
  Number,
) as [number, number, number];
let shown = 0;
const onFailure = ({ kind, detail }: Asked, id: string) => {
  if (shown++ < SHOWN) console.error(`${id}: ${kind} ${detail}`);
};

if (values.port === undefined) await scenes();
else await load(Number(values.port));

async function scenes(): Promise<void> {
  const { mode, workers } = values;
  const by = startCommand({ COMPAT_START: 'millrace', COMPAT_WORKERS: workers, COMPAT_MODE: mode });
  const results: Scene[] = [];
  const tell = (scene: Scene) => {
    results.push(scene);
    console.log(JSON.stringify(scene));
    const found = violations(mode, scene);
    for (const text of found) console.error(`not as it should be: ${text}`);
    if (found.length > 0) process.exitCode = 1;
    if (values.table !== undefined) writeResults(values.table, mode, { connections, workers }, results);
  };
  const slow = { connections, delayMs: 5, restMs: 5, retries: true };
  if (kills > 0) tell({ scene: 'kills', ...(await killWorkers(by, { ...slow, kills, everyMs, onFailure })) });
  const reloads = Number(values.reloads);
  const onReload = (ms: number) => console.error(`a reload in ${Math.round(ms)} ms`);
  if (reloads > 0)
    tell({ scene: 'reloads', ...(await reloadWorkers(by, { ...slow, reloads, onFailure, onReload })) });
  // In base mode connections end with their worker.
  if (mode === 'base') return;
  if (kills > 0) tell({ scene: 'kills at each byte', ...(await killWorkersAtBytes(by)) });
  if (kills > 0) tell({ scene: 'kills at each byte of probes', ...(await probeKilledWorkers(by)) });
  const sockets = Number(values.sockets);
  if (sockets > 0)
    tell({ scene: 'kills under WebSockets', ...(await killUnderSockets(by, { sockets, kills: 3 })) });
  const socketReloads = Number(values['socket-reloads']);
  if (sockets > 0 && socketReloads > 0)
    tell({
      scene: 'reloads under WebSockets',
      ...(await reloadUnderSockets(by, { sockets, reloads: socketReloads })),
    });
}

async function load(port: number): Promise<void> {
  const signal = AbortSignal.timeout(Number(values.seconds) * 1000);
  const [delayMs, restMs] = [Number(values.delay), Number(values.rest)];
  const client = new ChaosClient({ port, connections, delayMs, restMs, signal, onFailure });
  const lately = () =>
    [...client.answered].filter(([, at]) => performance.now() - at < LATELY_MS).map(([pid]) => pid);
  const told = values.pids?.split(',').map(Number);
  const pids = told === undefined ? lately : () => told;
  const [counts, killed] = await Promise.all([
    client.run(),
    values.kill === 'answered' || told !== undefined
      ? killInTurn({ pids, everyMs, times: kills, signal })
      : 0,
  ]);
  console.log(JSON.stringify({ killed, processes: client.answered.size, ...counts }));
}
