/**
 * `npm run chaos-http -- --port PORT [--connections 200] [--seconds 60] [--delay MS] [--rest MS] [--pids PID,… | --kill
 * answered] [--kill-every MS] [--kills N]`: a checked load on `programs/echo-id.js`, however it was started, and what became of
 * every request, by kind, as JSON. It kills the processes that it is told, or those that have answered it lately.
 */
import { parseArgs } from 'node:util';
import { ChaosClient } from './client.js';
import { killInTurn } from './killer.js';

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
  },
});
if (values.port === undefined) throw new Error('--port PORT: where the program listens.');
/** A process that has answered in this time is taken for alive. */
const LATELY_MS = 1000;
/** Of the failures so many are shown. */
const SHOWN = 20;

const signal = AbortSignal.timeout(Number(values.seconds) * 1000);
let shown = 0;
const client = new ChaosClient({
  port: Number(values.port),
  connections: Number(values.connections),
  delayMs: Number(values.delay),
  restMs: Number(values.rest),
  signal,
  onFailure: ({ kind, detail }, id) => {
    if (shown++ < SHOWN) console.error(`${id}: ${kind} ${detail}`);
  },
});
const lately = () =>
  [...client.answered].filter(([, at]) => performance.now() - at < LATELY_MS).map(([pid]) => pid);
const told = values.pids?.split(',').map(Number);
const pids = told === undefined ? lately : () => told;
const kills = values.kill === 'answered' || told !== undefined;
const [counts, killed] = await Promise.all([
  client.run(),
  kills
    ? killInTurn({ pids, everyMs: Number(values['kill-every']), times: Number(values.kills), signal })
    : 0,
]);
console.log(JSON.stringify({ killed, processes: client.answered.size, ...counts }));
