import assert from 'node:assert/strict';
import { renderFamilies } from '@millrace/metrics/text';

const page = renderFamilies([
  { name: 'jobs_total', help: 'Jobs.', type: 'counter', samples: [{ value: 3 }] },
]);
assert.match(page, /^jobs_total 3$/m);
