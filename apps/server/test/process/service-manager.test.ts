import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AF_UNIX, check, EAGAIN, encodeUnixAddress, SOCK_DGRAM, syscalls } from '@millrace/native/syscalls';
import { TestClient, until } from '@millrace/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { pidOf, startServer } from '../support.js';

/** A service manager, as far as a server talks to it. */
class Notified implements Disposable {
  readonly socket: string;
  readonly #fd: number;
  readonly #all: string[] = [];

  /** A path, or a name of the abstract namespace that begins with an @. */
  constructor(socket: string) {
    this.socket = socket;
    this.#fd = check(syscalls.socket(AF_UNIX, SOCK_DGRAM, 0), 'socket');
    const { bytes, length } = encodeUnixAddress({ path: socket.replace(/^@/, '\0') });
    check(syscalls.bind(this.#fd, bytes, length), 'bind');
  }

  /** What has been told so far, without the statuses. */
  get told(): string[] {
    const bytes = new Uint8Array(4_096);
    for (;;) {
      const length = syscalls.read(this.#fd, bytes, 0, bytes.length);
      if (length === -EAGAIN) return this.#all;
      this.#all.push(Buffer.from(bytes.subarray(0, check(length, 'read'))).toString());
    }
  }

  count(line: string): number {
    return this.told.filter((text) => text.split('\n').includes(line)).length;
  }

  [Symbol.dispose](): void {
    syscalls.close(this.#fd);
  }
}

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-notify-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

describe('a service manager is told', () => {
  test.each(['path', 'abstract name'])(
    'that the server is ready, reloads and stops, by a %s',
    async (kind) => {
      using manager = new Notified(kind === 'path' ? join(directory, 'notify') : `@millrace-${process.pid}`);
      await using server = await startServer({ workerNum: 2 }, { NOTIFY_SOCKET: manager.socket });
      await until('that it is ready', () => manager.count('READY=1') === 1);
      expect(manager.told).toEqual(['READY=1\nSTATUS=2 of 2 workers serve clients']);
      const before = Number(process.hrtime.bigint() / 1_000n);
      server.program.kill('SIGHUP');
      await until('the end of the reload', () => manager.count('READY=1') === 2);
      const [, begun = '', ended] = manager.told;
      expect(begun).toMatch(/^RELOADING=1\nMONOTONIC_USEC=\d+\nSTATUS=reloading$/);
      const at = Number(/MONOTONIC_USEC=(\d+)/.exec(begun)?.[1]);
      expect(at).toBeGreaterThanOrEqual(before);
      expect(at).toBeLessThan(Number(process.hrtime.bigint() / 1_000n));
      expect(ended).toMatch(/^READY=1\nSTATUS=/);
      server.program.kill('SIGTERM');
      expect(await server.program.ended()).toEqual({ code: 0, signal: null });
      expect(manager.told.slice(3)).toEqual(['STOPPING=1\nSTATUS=finishing what is under way']);
    },
  );

  test('nothing by the processes below the master, which do not have the variables', async () => {
    using manager = new Notified(join(directory, 'notify'));
    await using server = await startServer({}, { NOTIFY_SOCKET: manager.socket, WATCHDOG_USEC: '1000000' });
    const client = await TestClient.connect(server.lines);
    for (const { pid } of server.program.children()) {
      expect(readFileSync(`/proc/${pid}/environ`, 'utf8')).not.toMatch(/NOTIFY_SOCKET|WATCHDOG/);
    }
    client.close();
  });

  test('that it lives as long as clients are served: not while no worker takes anything', async () => {
    using manager = new Notified(join(directory, 'notify'));
    await using server = await startServer(
      { workerNum: 1 },
      { NOTIFY_SOCKET: manager.socket, WATCHDOG_USEC: '400000' },
    );
    await until('some signs of life', () => manager.count('WATCHDOG=1') > 3);
    const worker = pidOf(server, 'millrace: worker 0') as number;
    process.kill(worker, 'SIGSTOP');
    // Its loop is taken for one that hangs after 2.5 s; from then on the count stands.
    let last = -1;
    let since = performance.now();
    await until('silence', () => {
      const count = manager.count('WATCHDOG=1');
      if (count !== last) since = performance.now();
      last = count;
      return performance.now() - since > 1_000;
    });
    expect(manager.told.at(-1)).toMatch(/^STATUS=0 of 1 workers serve clients$/);
    process.kill(worker, 'SIGCONT');
    await until('that it lives again', () => manager.count('WATCHDOG=1') > last);
  });

  test('nothing of a watchdog that is for another process', async () => {
    using manager = new Notified(join(directory, 'notify'));
    await using server = await startServer(
      {},
      { NOTIFY_SOCKET: manager.socket, WATCHDOG_USEC: '40000', WATCHDOG_PID: '1' },
    );
    server.program.kill('SIGTERM');
    await server.program.ended();
    expect(manager.count('READY=1')).toBe(1);
    expect(manager.count('WATCHDOG=1')).toBe(0);
  });

  test('and when it is gone, that costs a line of the log, and the server serves', async () => {
    const socket = join(directory, 'gone');
    await using server = await startServer({}, { NOTIFY_SOCKET: socket, WATCHDOG_USEC: '40000' });
    await server.program.printed(/the service manager cannot be told how the server is/);
    const client = await TestClient.connect(server.lines);
    await client.ask('pid');
    expect(server.program.count(/the service manager cannot be told/g)).toBe(1);
    client.close();
  });
});
