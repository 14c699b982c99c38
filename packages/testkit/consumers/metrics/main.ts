import assert from 'node:assert/strict';
import { Counter, Gauge, Registry, register } from '@millrace/metrics';
import { renderFamilies } from '@millrace/metrics/text';

const requests = new Counter({ name: 'requests_total', help: 'Requests.', labelNames: ['method'] });
requests.inc({ method: 'GET' });
requests.labels('GET').inc(2);
assert.match(await register.metrics(), /^requests_total\{method="GET"\} 3$/m);

const registry = Registry.anonymous({ maxSeries: 10 });
const gauge = new Gauge({ name: 'level', help: 'A level.', registers: [registry] });
gauge.set(1.5);
assert.match(await registry.metrics(), /^level 1.5$/m);
registry.close();

const page = renderFamilies([
  { name: 'jobs_total', help: 'Jobs.', type: 'counter', samples: [{ value: 3 }] },
]);
assert.match(page, /^jobs_total 3$/m);
