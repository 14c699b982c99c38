import { expect, test } from 'vitest';
import { pidOf, startServer, Visitor } from '../support.js';

test.each(['throw', 'reject'])(
  'handlers in the manager that fail (%s) cost a line in the log each, and no process',
  async (how) => {
    await using server = await startServer({}, { FAILS: how }, 'failing-manager');
    const { program } = server;
    const manager = pidOf(server, 'millrace: manager');
    const client = await Visitor.connect(server.lines);
    const first = Number(await client.ask('pid'));
    process.kill(first, 'SIGKILL');
    await program.printed(/a handler of workerError has failed/);
    const second = Number(await client.ask('pid'));
    expect(second).not.toBe(first);
    // The program's own: it reloads, and prints what comes of it.
    program.kill('SIGCONT');
    expect((await program.printed(/^result (.*)$/m))[1]).toBe('{"outcome":"reloaded","replaced":1}');
    expect(program.output).toMatch(/a handler of beforeReload has failed/);
    expect(program.output).toMatch(/event afterReload reloaded/);
    expect(program.output).toMatch(/a handler of afterReload has failed/);
    expect(Number(await client.ask('pid'))).not.toBe(second);
    expect(pidOf(server, 'millrace: manager')).toBe(manager);
    client.close();
  },
);
