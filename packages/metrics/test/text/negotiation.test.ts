import { expect, test } from 'vitest';
import { negotiateContentType, OPENMETRICS_CONTENT_TYPE, PROMETHEUS_CONTENT_TYPE } from '../../src/text.js';

test.each([
  [
    'what Prometheus sends',
    'application/openmetrics-text;version=1.0.0;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1',
  ],
  ['OpenMetrics of any version', 'application/openmetrics-text'],
  ['OpenMetrics in capitals and quotes', 'Application/OpenMetrics-Text; version="1.0.0"'],
])('%s is answered with OpenMetrics', (_, accept) => {
  expect(negotiateContentType(accept)).toBe(OPENMETRICS_CONTENT_TYPE);
});

test.each([
  ['no header', undefined],
  ['anything', '*/*'],
  ['a browser', 'text/html,application/xhtml+xml,*/*;q=0.8'],
  ['one that likes text better', 'application/openmetrics-text;q=0.4,text/plain;version=0.0.4;q=0.5'],
  ['one that refuses OpenMetrics', 'application/openmetrics-text;q=0'],
  ['a version that there is not', 'application/openmetrics-text;version=0.0.1'],
  ['a quality that is no number', 'application/openmetrics-text;q=much'],
])('%s is answered with the text of Prometheus', (_, accept) => {
  expect(negotiateContentType(accept)).toBe(PROMETHEUS_CONTENT_TYPE);
});
