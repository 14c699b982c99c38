/** Segments that another user of the machine has made first. */
import { execFileSync } from 'node:child_process';
import { chownSync, rmSync } from 'node:fs';
import { asOtherUser, canBeOthers, OTHER_USER } from '@millrace/testkit';
import { describe, expect, test } from 'vitest';
import { AtomicUint32, column, Mutex, Segment, Semaphore, Table } from '../../src/index.js';

let names = 0;
const newName = () => `/millrace-owners-${process.pid}-${names++}`;
const newKey = () => ({ key: 0x4d100000 + ((process.pid & 0xfff) << 8) + names++ });

/** Makes a System V segment for everybody, and says that it is root's. */
const MAKE = `
import ctypes, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
made = libc.shmget(int(sys.argv[1]), ctypes.c_size_t(8192), 0o3666)
state = ctypes.create_string_buffer(256)
libc.shmctl(made, 2, state)
struct.pack_into('I', state, 4, 0)
if made < 0 or libc.shmctl(made, 1, state) < 0: sys.exit(3)
print('ready')
sys.stdin.read()
`;

const refusal = expect.objectContaining({
  code: 'ERR_MILLRACE_SEGMENT_OWNER',
  message: expect.stringMatching(new RegExp(`user ${OTHER_USER}.*trustedUsers`)),
  cause: expect.objectContaining({ owner: OTHER_USER }),
});
const DEFINITION = { rows: 8, columns: { hits: column.int64() } };

describe.runIf(canBeOthers)(
  'what another user has made is refused, unless the program trusts that user',
  () => {
    test('a segment, a table, an atomic, a lock', () => {
      const kinds = [
        (name: string, trust: object) => Table.openOrCreate(name, DEFINITION, trust),
        (name: string, trust: object) => Table.open(name, DEFINITION, trust),
        (name: string, trust: object) => AtomicUint32.openOrCreate(name, 1, trust),
        (name: string, trust: object) => AtomicUint32.open(name, trust),
        (name: string, trust: object) => Mutex.openOrCreate(name, trust),
        (name: string, trust: object) => Semaphore.openOrCreate(name, 2, trust),
        (name: string, trust: object) => Segment.openOrCreate(name, { size: 64, ...trust }),
      ];
      const makers = [kinds[0], kinds[0], kinds[2], kinds[2], kinds[4], kinds[5], kinds[6]] as typeof kinds;
      for (const [i, open] of kinds.entries()) {
        const name = newName();
        (makers[i] as (typeof kinds)[0])(name, {}).close();
        const path = `/dev/shm${name}`;
        chownSync(path, OTHER_USER, OTHER_USER);
        try {
          expect(() => open(name, {})).toThrow(refusal);
          expect(() => Segment.unlink(name)).toThrow(refusal);
          for (const trustedUsers of [[OTHER_USER], 'any']) open(name, { trustedUsers }).close();
        } finally {
          rmSync(path);
        }
      }
    });

    test('a System V segment, although its maker says that it is root’s', async () => {
      const { key } = newKey();
      const other = await asOtherUser(MAKE, [String(key)]);
      try {
        expect(() => Segment.open({ key })).toThrow(refusal);
        // It is none of ours either, which is found out of a trusted one alone.
        expect(() => Segment.open({ key }, { trustedUsers: [OTHER_USER] })).toThrow(
          expect.objectContaining({ code: 'ERR_MILLRACE_SEGMENT_FOREIGN' }),
        );
      } finally {
        await other.stop();
        execFileSync('ipcrm', ['-M', String(key)]);
      }
    });

    test('a name that is a FIFO is not waited for', () => {
      const name = newName();
      execFileSync('mkfifo', [`/dev/shm${name}`]);
      chownSync(`/dev/shm${name}`, OTHER_USER, OTHER_USER);
      try {
        expect(() => Segment.open(name)).toThrow(refusal);
      } finally {
        rmSync(`/dev/shm${name}`);
      }
    });

    test('one that may not even be opened says whose it is', () => {
      const name = newName();
      Segment.create(name, { size: 64 }).close();
      chownSync(`/dev/shm${name}`, OTHER_USER, OTHER_USER);
      process.seteuid?.(65_533);
      try {
        expect(() => Segment.open(name)).toThrow(refusal);
      } finally {
        process.seteuid?.(0);
        rmSync(`/dev/shm${name}`);
      }
    });
  },
);
