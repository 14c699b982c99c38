import { expect, test } from 'vitest';
import { startServer, Visitor } from '../support.js';

test.each(['throw', 'reject'])(
  'a handler of finish that fails (%s) does not end its worker, one of workerStop does not keep it',
  async (how) => {
    await using server = await startServer({}, { FAILS: how }, 'failing-worker');
    const { program } = server;
    const client = await Visitor.connect(server.lines);
    const pid = await client.ask('task');
    await program.printed(/a handler has failed; a result of task \d+ has not been heard/);
    expect(await client.ask('pid')).toBe(pid);
    expect(program.output).not.toMatch(/abnormal exit/);
    client.close();
    program.kill('SIGTERM');
    expect(await program.ended()).toEqual({ code: 0, signal: null });
    expect(program.output).toMatch(/a handler of workerStop has failed/);
  },
);
