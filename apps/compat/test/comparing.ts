import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Authority } from '@millrace/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Entry } from '../dist/catalogue.js';
import type { Site } from '../dist/kinds/kind.js';
import { PLAIN, Served, type StartCommand, startCommand } from '../dist/start.js';
import { exchange, request } from '../dist/wire/exchange.js';

/** What `afterAll` ends, those too whose neighbour did not start. */
const running: Served[] = [];

const directory = mkdtempSync(join(tmpdir(), 'millrace-compat-'));
const authority = new Authority();
const identity = authority.issue('localhost');
const TLS_KEY = join(directory, 'key.pem');
const TLS_CERT = join(directory, 'cert.pem');
for (const side of ['plain', 'candidate']) mkdirSync(join(directory, side));
writeFileSync(TLS_KEY, identity.key);
writeFileSync(TLS_CERT, identity.cert);
afterAll(() => {
  authority[Symbol.dispose]();
  rmSync(directory, { recursive: true });
});

/** Runs every kind against each program, under plain node and under the command under test: both clients must see the same. */
export function compare(entries: readonly Entry[]): void {
  for (const { name, file, args, needsPort, tls = false, kinds, workers, target = '/' } of entries) {
    describe(name, () => {
      const command = startCommand(process.env, workers);
      let plain: Site;
      let candidate: Site;

      beforeAll(async () => {
        const start = async (by: StartCommand, side: string): Promise<Site> => {
          const port = needsPort ? { PORT: `${await freePort()}`, HOSTNAME: '127.0.0.1' } : {};
          const env = { ...port, TLS_KEY, TLS_CERT, SOCKET_PATH: join(directory, side, 'local') };
          const served = await Served.start(file, by, env, args);
          running.push(served);
          const options = { ca: authority.cert, servername: 'localhost' };
          return { served, port: served.port, ...(tls ? { tls: options } : {}) };
        };
        [plain, candidate] = await Promise.all([start(PLAIN, 'plain'), start(command, 'candidate')]);
      });

      afterAll(async () => {
        await Promise.all(running.splice(0).map((served) => served[Symbol.asyncDispose]()));
      });

      if (command.isLean === true) {
        test(`${name} is served by the engine that is lean, in a worker`, async () => {
          await exchange(candidate, [request('GET', target)], { closes: false });
          await candidate.served.tookByLean();
        });
      }

      for (const { says, run, apart, shows } of kinds) {
        test(`${name} ${says}, started by ${command.name} as by node`, async () => {
          const [expected, seen] = await Promise.all([run(plain), run(candidate)]);
          expect(JSON.stringify(expected)).toMatch(shows);
          // When bytes come is no client's to say, and requests may come to a worker one by one: right is what plain node answers to
          // them however they come.
          if (apart === undefined) expect(seen).toEqual(expected);
          else expect([expected, ...(await apart(plain))]).toContainEqual(seen);
        });
      }
    });
  }
}

/** A port that no program listens on, for a program that must be told one. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
