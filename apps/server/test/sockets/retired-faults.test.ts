import { isRunning, TestClient, until } from '@millrace/testkit';
import { expect, onTestFinished, test } from 'vitest';
import { gate, handOver, Keeping, killed, movedTo, over, pidNow, start } from './retiring.js';

/** A client of the listener with messages, and the number of its session. */
async function messenger(port: number): Promise<{ readonly client: TestClient; readonly session: string }> {
  const client = await TestClient.connect(port);
  onTestFinished(() => client.close());
  return { client, session: await client.ask('who am I?') };
}

test('a request that was answered before it had come whole does not keep its connection from the next process', async () => {
  await using server = await start();
  const client = await Keeping.connect(server.app);
  const before = await client.pid();
  client.send('POST /early HTTP/1.1\r\nHost: here\r\nContent-Length: 200000\r\n\r\n');
  expect((await client.answer()).body).toBe(`early ${before}\n`);
  client.send(Buffer.alloc(200_000));
  expect(await client.pid()).toBe(before);
  const after = await handOver(server, before);
  await movedTo(client, after);
  await over(server);
});

test('a process that is replaced sends a file to a client of the next one', async () => {
  await using server = await start();
  const { client, session } = await messenger(server.messages);
  const slow = await Keeping.connect(server.app);
  const before = await slow.pid();
  const { path, open } = gate();
  slow.send(`GET /file?session=${session}&file=${path} HTTP/1.1\r\nHost: here\r\n\r\n`);
  await handOver(server, before);
  open();
  expect((await slow.answer()).body).toBe(`true ${before}\n`);
  await until('the file', () =>
    String(client.received).includes('A served server whose workers are replaced'),
  );
});

test('a process that is replaced, and sends what makes no sense, is killed; what it had ends, and no other client notices', async () => {
  await using server = await start();
  const rogue = await Keeping.connect(server.app);
  const slow = await Keeping.connect(server.app);
  const before = await rogue.pid();
  const { path, open } = gate();
  rogue.send(`GET /rogue?file=${path} HTTP/1.1\r\nHost: here\r\n\r\n`);
  await rogue.until('waits');
  slow.send(`GET /wait?name=one&file=${path}-never HTTP/1.1\r\nHost: here\r\n\r\n`);
  await server.program.printed(/^waits one/m);
  const idle = await Keeping.connect(server.app);
  const after = await handOver(server, before);
  await movedTo(idle, after);
  open();
  expect((await slow.answer()).status).toBe(502);
  await rogue.closed();
  await until('its end', () => !isRunning(before));
  expect(await idle.pid()).toBe(after);
  await over(server);
  // The links are as good as new.
  const { path: second, open: openSecond } = gate();
  idle.send(`GET /wait?name=two&file=${second} HTTP/1.1\r\nHost: here\r\n\r\n`);
  await server.program.printed(/^waits two/m);
  await handOver(server, after);
  openSecond();
  expect((await idle.answer()).body).toBe(`waited ${after}\n`);
});

test('the death of the manager takes a replaced process with it: its request is answered 502, idle connections go on', async () => {
  await using server = await start();
  const [slow, idle] = await Promise.all([Keeping.connect(server.app), Keeping.connect(server.app)]);
  const before = await slow.pid();
  const { path, open } = gate();
  slow.send(`GET /wait?name=one&file=${path} HTTP/1.1\r\nHost: here\r\n\r\n`);
  await server.program.printed(/^waits one/m);
  const after = await handOver(server, before);
  await movedTo(idle, after);
  const manager = server.program.children().find(({ title }) => title.endsWith('manager'));
  await killed(manager?.pid as number);
  expect((await slow.answer()).status).toBe(502);
  const last = await idle.pid();
  expect([before, after]).not.toContain(last);
  // A reload finds the links aside free.
  const next = await Keeping.connect(server.app);
  next.send(`GET /wait?name=two&file=${path} HTTP/1.1\r\nHost: here\r\n\r\n`);
  await server.program.printed(/^waits two/m);
  await handOver(server, last);
  open();
  expect((await next.answer()).body).toBe(`waited ${last}\n`);
});

test('workers that hand over after maxRequest requests of HTTP answer each of them, on connections that stay', async () => {
  await using server = await start({ maxRequest: 10, workerNum: 2 });
  const clients = await Promise.all(Array.from({ length: 6 }, () => Keeping.connect(server.app)));
  const pids = new Set<number>();
  while (pids.size < 6) {
    for (const answer of await Promise.all(clients.map((client) => client.get('/pid')))) {
      expect(answer.head).not.toMatch(/connection: close/i);
      pids.add(Number(answer.body));
    }
  }
  expect(clients.some(({ ended }) => ended)).toBe(false);
  expect(await pidNow(server.app)).toBeGreaterThan(0);
});
