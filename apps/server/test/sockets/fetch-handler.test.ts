import { request as ask } from 'node:http';
import { TestClient, until } from '@millrace/testkit';
import { expect, onTestFinished, test } from 'vitest';
import { launch } from '../support.js';

async function start(engine: string) {
  const program = launch('fetch-handler', {}, { ENGINE: engine });
  const [, port] = await program.printed(/^listening (\d+)$/m);
  const url = `http://127.0.0.1:${port}`;
  return { program, url, port: Number(port), [Symbol.asyncDispose]: () => program[Symbol.asyncDispose]() };
}

test.each(['node', 'lean'])('an object with a fetch handler is served by the engine %s', async (engine) => {
  await using served = await start(engine);
  const { program, url, port } = served;
  expect(await (await fetch(url)).text()).toMatch(/^app \d+ GET\n$/);

  // A body of more than any buffer holds goes there and comes back.
  const sent = Buffer.alloc(4 << 20, 'abcdefg');
  const back = await new Promise<Buffer>((resolve, reject) => {
    const chunks: Buffer[] = [];
    const outgoing = ask(`${url}/back`, { method: 'POST' }, (incoming) => {
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('end', () => resolve(Buffer.concat(chunks)));
    });
    outgoing.on('error', reject);
    outgoing.end(sent);
  });
  expect(back.equals(sent)).toBe(true);

  const failed = await fetch(`${url}/throw`);
  expect([failed.status, await failed.text()]).toEqual([500, 'Internal Server Error\n']);
  await until('it to be told', () => program.output.includes('what the handler throws'));

  const client = await TestClient.connect(port);
  onTestFinished(() => client.close());
  client.send('GET /wait HTTP/1.1\r\nHost: here\r\n\r\n');
  await program.printed(/^wait has begun$/m);
  client.close();
  await program.printed(/^the client has left$/m);
  expect(program.output.match(/what the handler throws/g)).toHaveLength(1);
});
