import { TestClient, until } from '@millrace/testkit';
import { describe, expect, test } from 'vitest';
import { pidOf, startServer } from '../support.js';

describe('workers that look for messages before they sleep', () => {
  test('answer in order, and one that is killed meanwhile is replaced', async () => {
    await using server = await startServer({ spin: 10_000, workerNum: 1 });
    const client = await TestClient.connect(server.lines);
    for (let i = 0; i < 500; i++) expect(await client.ask(`line ${i}`)).toBe(`line ${i}`);
    const victim = pidOf(server, 'millrace: worker 0') as number;
    process.kill(victim, 'SIGKILL');
    await until('another worker', () => ![victim, undefined].includes(pidOf(server, 'millrace: worker 0')));
    for (let i = 0; i < 500; i++) expect(await client.ask(`line ${i}`)).toBe(`line ${i}`);
    client.close();
  });

  test('leave timers and tasks their turn', async () => {
    await using server = await startServer({ spin: 10_000 });
    const client = await TestClient.connect(server.lines);
    for (let i = 0; i < 50; i++) expect(await client.ask('count one two  three')).toBe('3');
    client.close();
  });
});
