import { TestClient, until } from '@millrace/testkit';
import { expect, test } from 'vitest';
import { again } from '../signalling.js';
import { isBase, type RunningServer, startServer } from '../support.js';

const start = (stays: string) => startServer({}, { STAYS: stays }, 'stubborn');

/** The server has ended by itself, and what was killed on the way was not started again. */
async function endedAtOnce({ program }: RunningServer): Promise<void> {
  expect(await program.ended()).toEqual({ code: 0, signal: null });
  expect(program.count(/^event workerStart/gm)).toBe(2);
  expect(program.output).not.toMatch(/has been replaced/);
  expect(program.output).toMatch(/^event shutdown$/m);
}

test.each(['SIGTERM', 'SIGINT'] as const)(
  'a second %s while beforeShutdown is waited for leaves that behind, and kills what the workers have in hand',
  async (signal) => {
    await using server = await start('beforeShutdown');
    const client = await TestClient.connect(server.lines);
    client.send('wait\n');
    await server.program.printed(/event receive/);
    server.program.kill(signal);
    await server.program.printed(/event beforeShutdown/);
    await again(server, signal);
    await endedAtOnce(server);
    expect(server.program.output).toMatch(/^event managerStop$/m);
    client.close();
  },
);

test('a second signal while user processes end kills those and the workers, and none of them is replaced', async () => {
  await using server = await start('userProcess');
  await server.program.printed(/event user process/);
  server.program.kill('SIGTERM');
  await server.program.printed(/event userProcess/);
  await again(server, 'SIGTERM');
  await endedAtOnce(server);
  expect(server.program.count(/^event user process$/gm)).toBe(1);
});

test('a third signal kills the manager, when that does not come to its end', async () => {
  await using server = await start('managerStop');
  server.program.kill('SIGTERM');
  await server.program.printed(/shutting down/);
  await again(server, 'SIGTERM');
  await server.program.printed(/event managerStop/);
  await again(server, 'SIGTERM');
  await endedAtOnce(server);
});

// In base mode the workers, which the second signal kills, wait for that client.
test.skipIf(isBase)(
  'a second signal while clients have not taken their answers yet closes their connections',
  async () => {
    await using server = await start('nobody');
    const client = await TestClient.connect(server.lines);
    client.socket.pause();
    client.send('flood\n');
    await server.program.printed(/event flood/);
    server.program.kill('SIGTERM');
    await until('its processes to have ended', () => server.program.children().length === 0);
    await again(server, 'SIGTERM');
    await endedAtOnce(server);
    client.close();
  },
);
