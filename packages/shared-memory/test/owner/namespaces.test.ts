import { spawnSync } from 'node:child_process';
import { afterEach, expect, test } from 'vitest';
import { Mutex, Segment } from '../../src/index.js';
import { OwnerRegistry } from '../../src/internal.js';
import { Machine } from './machine.js';

const MODULE = new URL('../../dist/index.js', import.meta.url).href;
const NAME = `/millrace-namespaces-${process.pid}`;

afterEach(() => void Segment.unlink(NAME));

/** What a program in another pid namespace, which sees the same /dev/shm, prints. */
function fromAnotherNamespace(program: string): string {
  const script = 'mount -t proc none /proc && exec "$@"';
  const { stdout, stderr } = spawnSync(
    'unshare',
    [
      ...['--mount', '--pid', '--fork', 'sh', '-c', script, 'sh'],
      ...[process.execPath, '--input-type=module', '-e'],
      `const shared = await import(${JSON.stringify(MODULE)}); ${program}`,
    ],
    { encoding: 'utf8' },
  );
  return stdout + stderr;
}

test('a registry of another pid namespace gives out no token, and takes nobody for dead', () => {
  const memory = new ArrayBuffer(OwnerRegistry.bytes(2));
  const machine = new Machine();
  const here = new OwnerRegistry(memory, 0, 2, machine.start(10), 1);
  const token = here.claim();
  machine.kill(10);
  const there = new OwnerRegistry(memory, 0, 2, machine.start(20), 2);
  expect(() => there.claim()).toThrow(expect.objectContaining({ code: 'ERR_MILLRACE_PID_NAMESPACE' }));
  expect(there.isAlive(token)).toBe(true);
  expect(new OwnerRegistry(memory, 0, 2, machine.start(30), 1).isAlive(token)).toBe(false);
});

// Only root makes a pid namespace without a user namespace, in which the owner of the segment would be nobody.
test.skipIf(process.getuid?.() !== 0)(
  'a lock of another pid namespace is refused and stays with its owner; what needs no owner is shared',
  () => {
    using mutex = Mutex.create(NAME);
    mutex.lock();
    const program = `
      const mutex = shared.Mutex.open(${JSON.stringify(NAME)});
      try { console.log('locked: ' + mutex.tryLock()); } catch (error) { console.log(error.code); }
      console.log(shared.Segment.list().find(({ name }) => name === ${JSON.stringify(NAME)}).kind);`;
    expect(fromAnotherNamespace(program)).toBe('ERR_MILLRACE_PID_NAMESPACE\nmutex\n');
    mutex.unlock();
    expect(mutex.tryLock()?.ownerDied).toBe(false);
  },
);
