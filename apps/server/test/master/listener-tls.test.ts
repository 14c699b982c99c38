import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Authority } from '@millrace/testkit';
import { afterAll, expect, test } from 'vitest';
import { asListener } from '../../src/contract/ids.js';
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

function issue(): { readonly key: string; readonly cert: string } {
  const { key, cert } = authority.issue('localhost');
  return { key, cert };
}

test('the last word of a program counts, and the same once more changes nothing', () => {
  const tls = new ListenerTls([options.port], options);
  const first = issue();
  expect(tls.say(LISTENER, first)).toBe(true);
  expect(tls.say(LISTENER, { ...first })).toBe(false);
  const second = issue();
  expect(tls.say(LISTENER, second)).toBe(true);
  expect(tls.all).toMatchObject([{ key: second.key, cert: second.cert }]);
  expect(() => tls.say(LISTENER, { ...second, cert: first.cert })).toThrow(
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
    expect(() => tls.say(LISTENER, said)).toThrow(expect.objectContaining({ code: 'ERR_MILLRACE_TLS' }));
  expect(tls.all).toEqual([undefined]);
});
