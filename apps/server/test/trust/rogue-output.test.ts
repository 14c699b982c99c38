import { readdirSync } from 'node:fs';
import { TestClient, until } from '@millrace/testkit';
import { describe, expect, test } from 'vitest';
import { type RunningServer, startServer } from '../support.js';

const started = () => startServer({}, { MILLRACE_PROGRAM_OUTPUT: 'log' }, 'rogue-output');

const logged = (server: RunningServer, text: string) =>
  until(`the line ${text}`, () => server.program.output.includes(`"msg":"${text}"`));

describe('what a worker does to the reading of its output', () => {
  test.each(['nested', 'nestedUnended', 'file'])(
    'costs neither its own lines nor those of others (%s)',
    async (way) => {
      await using server = await startServer(
        { logFormat: 'pretty' },
        { MILLRACE_PROGRAM_OUTPUT: 'log' },
        'rogue-output',
      );
      const client = await TestClient.connect(server.lines);
      const written = (text: string) => until(text, () => server.program.output.includes(text));
      await client.ask(way);
      if (way !== 'file') await written('"nested":[[[[');
      await client.ask('say 1');
      await client.ask('task 1');
      await written('worker says 1');
      await written('task 1');
      client.close();
    },
  );

  test('leaves no descriptor in the master that came without words', async () => {
    await using server = await started();
    const client = await TestClient.connect(server.lines);
    await client.ask('say 1');
    await logged(server, 'worker says 1');
    const open = () => readdirSync(`/proc/${server.program.pid}/fd`).length;
    const before = open();
    await client.ask('wordless 100');
    // Taken after those, by the same thread.
    await client.ask('keep');
    await logged(server, 'kept');
    expect(open()).toBeLessThan(before + 10);
    client.close();
  });

  test('keeps nobody waiting: the end that it has made block is another one', async () => {
    await using server = await started();
    const client = await TestClient.connect(server.lines);
    await client.ask('keep');
    await logged(server, 'kept');
    await client.ask('block');
    await logged(server, 'blocks');
    await client.ask('task 2');
    await logged(server, 'task 2');
    client.close();
  });
});
