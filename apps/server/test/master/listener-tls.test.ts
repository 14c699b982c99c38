import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Authority } from '@millrace/testkit';
import { afterAll, expect, test } from 'vitest';
import { asListener, asWorker } from '../../src/contract/ids.js';
import { isProgramTls } from '../../src/contract/program-tls.js';
import { ListenerTls } from '../../src/master/listener-tls.js';
import { resolveOptions } from '../../src/options/resolve-options.js';

const authority = new Authority();
const directory = mkdtempSync(join(tmpdir(), 'millrace-server-'));
afterAll(() => {
  authority[Symbol.dispose]();
  rmSync(directory, { recursive: true });
});

const options = resolveOptions({ port: 0 });
const LISTENER = asListener(0);
const WORKER = asWorker(0);

function issue(): { readonly key: string; readonly cert: string } {
  const { key, cert } = authority.issue('localhost');
  return { key, cert };
}

test('the last word of a program counts, and the same once more changes nothing', () => {
  const tls = new ListenerTls([options.port], options);
  const first = issue();
  expect(tls.say(LISTENER, first, WORKER)).toBe(true);
  expect(tls.say(LISTENER, { ...first }, WORKER)).toBe(false);
  const second = issue();
  expect(tls.say(LISTENER, second, WORKER)).toBe(true);
  expect(tls.all).toMatchObject([{ key: second.key, cert: second.cert }]);
  expect(() => tls.say(LISTENER, { ...second, cert: first.cert }, WORKER)).toThrow(
    expect.objectContaining({ code: 'ERR_MILLRACE_TLS' }),
  );
  expect(tls.all).toMatchObject([{ key: second.key, cert: second.cert }]);
  tls.forget(LISTENER);
  expect(tls.all).toEqual([undefined]);
});

test('what a program says is never taken for the path of a file', () => {
  const { key, cert } = issue();
  const path = join(directory, 'key.pem');
  writeFileSync(path, key);
  expect(isProgramTls({ key: path, cert })).toBe(false);
  expect(isProgramTls({ key, cert, ca: [path] })).toBe(false);
  expect(isProgramTls({ key, cert })).toBe(true);
  const tls = new ListenerTls([options.port], options);
  // Also where that was not looked at.
  for (const said of [
    { key: path, cert },
    { key, cert: path },
  ])
    expect(() => tls.say(LISTENER, said, WORKER)).toThrow(
      expect.objectContaining({ code: 'ERR_MILLRACE_TLS' }),
    );
  expect(tls.all).toEqual([undefined]);
});

test('names that one worker has added are those of the listener, until that worker says others', () => {
  const tls = new ListenerTls([options.port], options);
  const [own, one, other] = [issue(), issue(), issue()];
  const names = () => Object.keys(tls.all[LISTENER]?.sni ?? {}).sort();
  tls.say(LISTENER, own, WORKER);
  tls.say(LISTENER, { ...own, sni: { 'one.example': one } }, WORKER);
  expect(tls.say(LISTENER, { ...own, sni: { 'other.example': other } }, asWorker(1))).toBe(true);
  expect(names()).toEqual(['one.example', 'other.example']);
  expect(tls.all[LISTENER]?.sni).toMatchObject({ 'one.example': one, 'other.example': other });
  // The next process of it has not heard of that name.
  expect(tls.say(LISTENER, own, WORKER)).toBe(true);
  expect(names()).toEqual(['other.example']);
  expect(isProgramTls({ ...own, sni: { 'one.example': one } })).toBe(true);
  for (const sni of [
    { 'one.example': { ...one, key: '/a/path' } },
    { '': one },
    [one],
    { 'one.example': null },
  ])
    expect(isProgramTls({ ...own, sni })).toBe(false);
});
