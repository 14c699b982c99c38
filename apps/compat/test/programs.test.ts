import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Authority } from '@millrace/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CATALOGUE } from '../dist/catalogue.js';
import type { Site } from '../dist/kinds/kind.js';
import { PLAIN, Served, type StartCommand, startCommand } from '../dist/start.js';

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

for (const { name, file, tls = false, kinds, workers } of CATALOGUE) {
  describe(name, () => {
    const command = startCommand(process.env, workers);
    let plain: Site;
    let candidate: Site;

    beforeAll(async () => {
      const start = async (by: StartCommand, side: string): Promise<Site> => {
        const served = await Served.start(file, by, {
          TLS_KEY,
          TLS_CERT,
          SOCKET_PATH: join(directory, side, 'local'),
        });
        running.push(served);
        const options = { ca: authority.cert, servername: 'localhost' };
        return { served, port: served.port, ...(tls ? { tls: options } : {}) };
      };
      [plain, candidate] = await Promise.all([start(PLAIN, 'plain'), start(command, 'candidate')]);
    });

    afterAll(async () => {
      await Promise.all(running.splice(0).map((served) => served[Symbol.asyncDispose]()));
    });

    for (const { says, run, shows } of kinds) {
      test(`${name} ${says}, started by ${command.name} as by node`, async () => {
        const [expected, seen] = await Promise.all([run(plain), run(candidate)]);
        expect(JSON.stringify(expected)).toMatch(shows);
        expect(seen).toEqual(expected);
      });
    }
  });
}
