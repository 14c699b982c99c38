/** Numbers that all processes of a server count in, when one of them has written over them. */
import { fstatSync, writeSync } from 'node:fs';
import type { MetricsError } from '@millrace/metrics';
import { expect, test, vi } from 'vitest';
import { ServerRegistry } from '../../src/metrics/server-registry.js';

/** What lies behind the version, which would be refused at once, and the numbers that say how much there is. */
const BEHIND = 12;

function overwrite(descriptor: number): void {
  writeSync(descriptor, Buffer.alloc(fstatSync(descriptor).size - BEHIND, 0xff), 0, undefined, BEHIND);
}

test('counting in numbers that another process has written over fails no one who has something to log', () => {
  const lost: MetricsError[] = [];
  const numbers = new ServerRegistry(undefined, (error) => lost.push(error));
  overwrite(numbers.descriptor);
  numbers.error(new Error('of the program'));
  numbers.restarted('worker', 'signal');
  numbers.task('resize').failed(new Error('of a task'));
  numbers.flush();
  expect(lost.map(({ code }) => code)).toContain('ERR_MILLRACE_METRICS_CORRUPT');
  numbers.close();
});

test('a process that is handed such numbers counts for itself, and says so', () => {
  const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
  const numbers = new ServerRegistry(undefined, () => {});
  overwrite(numbers.descriptor);
  const lost: MetricsError[] = [];
  const own = new ServerRegistry(numbers.descriptor, (error) => lost.push(error));
  own.restarted('worker', 'signal');
  own.error(new Error('of the program'));
  expect(warn).toHaveBeenCalledOnce();
  expect(lost).toEqual([]);
  own.close();
  numbers.close();
  warn.mockRestore();
});
