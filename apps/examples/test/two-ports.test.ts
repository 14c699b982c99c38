import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Program, TestClient } from '@millrace/testkit';
import { expect, test } from 'vitest';

const TOP = new URL('../../../', import.meta.url);
const { scripts } = JSON.parse(readFileSync(new URL('package.json', TOP), 'utf8')) as {
  readonly scripts: { readonly start: string };
};

/** What `npm start` runs, on ports that are free. */
function started(): Program {
  const [exec, command, ...args] = scripts.start.split(' ');
  expect([exec, command]).toEqual(['exec', 'millrace']);
  const entry = fileURLToPath(new URL(args.pop() as string, TOP));
  const millrace = fileURLToPath(new URL('dist/main.js', import.meta.resolve('millrace/package.json')));
  return new Program(entry, {
    by: [process.execPath, millrace, ...args, '--workers', '2'],
    env: { LINE_PORT: '0', FRAME_PORT: '0' },
  });
}

const portOf = async (program: Program, what: string): Promise<number> =>
  Number((await program.printed(new RegExp(`${what} .*?port\\\\?":(\\d+)`)))[1]);

test('npm start runs two servers of node:net: lines are echoed or counted, frames are echoed, one that is too long ends its client', async () => {
  await using program = started();
  const client = await TestClient.connect(await portOf(program, 'lines'));
  expect(await client.ask('hello')).toBe('hello');
  expect(await client.ask('count one two three')).toBe('3');
  client.close();
  const frames = await TestClient.connect(await portOf(program, 'frames'));
  frames.send(Buffer.from('\0\0\0\x05hel', 'latin1'));
  frames.send('lo');
  expect((await frames.take(9)).toString('latin1')).toBe('\0\0\0\x05hello');
  frames.send(Buffer.from([0xff, 0xff, 0xff, 0xff]));
  await frames.serverClosed();
  program.kill('SIGTERM');
  expect(await program.ended()).toEqual({ code: 0, signal: null });
});
