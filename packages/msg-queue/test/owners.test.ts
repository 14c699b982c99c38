/** Queues that another user of the machine has made first. */
import { asOtherUser, canBeOthers, OTHER_USER } from '@millrace/testkit';
import { afterEach, describe, expect, test } from 'vitest';
import { PosixQueue, QueueChannel, SystemVQueue } from '../src/index.js';
import { testKey, testName } from './support.js';

/** Makes queues for everybody: names are of POSIX queues, numbers keys. With `give`, a System V queue is given to root. */
const MAKE = `
import ctypes, os, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
os.umask(0)
for at in sys.argv[2:]:
    if at[0] == '/':
        made = libc.mq_open(at.encode(), os.O_RDWR | os.O_CREAT | os.O_EXCL, int(sys.argv[1], 8), None)
    else:
        made = libc.msgget(int(at), 0o3000 | int(sys.argv[1], 8))
        state = ctypes.create_string_buffer(256)
        libc.msgctl(made, 2, state)
        struct.pack_into('I', state, 4, 0)
        if libc.msgctl(made, 1, state) < 0: sys.exit(3)
    if made < 0: sys.exit(ctypes.get_errno())
print('ready')
sys.stdin.read()
`;

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

async function madeByOther(mode: string, ...at: (string | number)[]): Promise<void> {
  const other = await asOtherUser(MAKE, [mode, ...at.map(String)]);
  undo.push(() => other.stop());
  for (const each of at)
    undo.push(() => (typeof each === 'string' ? PosixQueue.unlink(each) : SystemVQueue.free(each)));
}

const refusal = expect.objectContaining({
  code: 'ERR_MILLRACE_QUEUE_OWNER',
  message: expect.stringMatching(new RegExp(`user ${OTHER_USER}.*trustedUsers`)),
  cause: expect.objectContaining({ owner: OTHER_USER }),
});

describe.runIf(canBeOthers)('a queue of another user is refused, unless the program trusts that user', () => {
  test('POSIX', async () => {
    const name = testName();
    const channel = testName();
    await madeByOther('666', name, ...QueueChannel.names(channel));
    for (const open of [PosixQueue.open, PosixQueue.openOrCreate]) expect(() => open(name)).toThrow(refusal);
    for (const trustedUsers of [[OTHER_USER], 'any'] as const)
      PosixQueue.open(name, { trustedUsers }).close();
    expect(() => QueueChannel.open(channel, 'left')).toThrow(refusal);
    QueueChannel.open(channel, 'left', { trustedUsers: [OTHER_USER] }).destroy();
  });

  test('System V, although its maker says that it is root’s', async () => {
    const keys = [testKey(), testKey()] as const;
    await madeByOther('666', ...keys);
    for (const open of [SystemVQueue.open, SystemVQueue.openOrCreate])
      expect(() => open(keys[0])).toThrow(refusal);
    using queue = SystemVQueue.open(keys[0], { trustedUsers: [OTHER_USER] });
    expect(() => SystemVQueue.attach(queue.id)).toThrow(refusal);
    SystemVQueue.attach(queue.id, { trustedUsers: 'any' }).close();
    expect(() => QueueChannel.open(keys, 'left')).toThrow(refusal);
    QueueChannel.open(keys, 'left', { trustedUsers: [OTHER_USER] }).destroy();
  });

  test('but root’s is taken by everybody whom its permissions let in', () => {
    const [name, key] = [testName(), testKey()];
    const before = process.umask(0);
    const made = [PosixQueue.create(name, { mode: 0o666 }), SystemVQueue.create(key, { mode: 0o666 })];
    process.umask(before);
    process.seteuid?.(OTHER_USER);
    try {
      PosixQueue.open(name).close();
      SystemVQueue.open(key).close();
    } finally {
      process.seteuid?.(0);
      for (const queue of made) queue.close();
      PosixQueue.unlink(name);
      SystemVQueue.free(key);
    }
  });

  test('one that this user may only write to is told by the kernel’s list', async () => {
    const key = testKey();
    await madeByOther('222', key);
    // Root may read what it likes.
    process.seteuid?.(65_533);
    try {
      expect(() => SystemVQueue.open(key)).toThrow(refusal);
    } finally {
      process.seteuid?.(0);
    }
  });
});
