import { expect, test } from 'vitest';
import { OwnerRegistry } from '../../src/internal.js';
import { readWriteLockBytes } from '../../src/lock/layout.js';
import { ReadWriteCore } from '../../src/lock/read-write-core.js';
import { BUSY, GRANTED, OWNER_DIED } from '../../src/wait/lock-attempt.js';
import { dieBefore, Machine } from '../owner/machine.js';

const SLOTS = 4;

/** A read-write lock, and as many threads that use it as a test starts. */
function fixture() {
  const memory = new ArrayBuffer(OwnerRegistry.bytes(SLOTS) + readWriteLockBytes(SLOTS));
  const words = new Int32Array(memory, OwnerRegistry.bytes(SLOTS));
  const machine = new Machine();
  return {
    machine,
    start: (tid: number) => {
      const owners = new OwnerRegistry(memory, 0, SLOTS, machine.start(tid));
      const core = new ReadWriteCore(words, owners);
      core.enter(owners.claim());
      return core;
    },
  };
}

/** What a thread does with the lock, from its first change of it to its last. */
const lives: Record<string, (core: ReadWriteCore, entered: () => void) => void> = {
  writer: (core, entered) => {
    expect(core.writer.try(false)).toBe(GRANTED);
    entered();
    core.endWrite(true);
  },
  reader: (core, entered) => {
    expect(core.reader.try(false)).toBe(GRANTED);
    entered();
    core.leave(1);
  },
  'writer that gives up': (core) => {
    core.writer.try(false);
    core.writer.giveUp();
  },
};

test.each(Object.keys(lives))(
  'a %s that dies before any of its changes leaves the lock to writers and readers',
  (name) => {
    let deaths = 0;
    for (let fatal = 1; ; fatal++) {
      const { machine, start } = fixture();
      const [first, second, third] = [start(10), start(20), start(30)];
      let inside = false;
      const killed = dieBefore(fatal, () => {
        lives[name]?.(first, () => {
          inside = true;
        });
      });
      if (!killed) break;
      deaths++;
      machine.kill(10);
      const next = fatal % 2 === 0 ? second.writer : second.reader;
      const grant = next.recover(false);
      expect(grant).not.toBe(BUSY);
      // Told of a death is whoever comes after a writer that was inside; one that had finished it all need not be.
      if (name !== 'writer') expect(grant).toBe(GRANTED);
      else if (grant === OWNER_DIED) expect(inside).toBe(true);
      if (next === second.writer) {
        expect(third.reader.try(false)).toBe(BUSY);
        second.endWrite(true);
      } else {
        expect(third.writer.recover(false)).toBe(BUSY);
        third.writer.giveUp();
        second.leave(1);
      }
      expect(third.writer.recover(false)).toBe(GRANTED);
      third.endWrite(true);
      expect(second.reader.try(false)).toBe(GRANTED);
    }
    expect(deaths).toBeGreaterThanOrEqual(2);
  },
);

test('a successor that dies before any of its changes leaves the news of the first death to the next', () => {
  for (const side of ['writer', 'reader'] as const) {
    for (let fatal = 1; ; fatal++) {
      const { machine, start } = fixture();
      const [first, second, third] = [start(10), start(20), start(30)];
      first.writer.try(false);
      machine.kill(10);
      let grant: number = BUSY;
      const killed = dieBefore(fatal, () => {
        grant = second[side].recover(false);
      });
      if (!killed) {
        expect(grant).toBe(OWNER_DIED);
        break;
      }
      machine.kill(20);
      const heard = third.writer.recover(false);
      expect(heard).not.toBe(BUSY);
      // A reader that dies in its last step, when it has taken the news to itself, takes it with it.
      if (side === 'writer') expect(heard).toBe(OWNER_DIED);
    }
  }
});

test('a writer that gives up for a reader that stays lets others read, and enters when the readers are dead', () => {
  const { machine, start } = fixture();
  const [first, second, third, fourth] = [start(10), start(20), start(30), start(40)];
  first.writer.try(false);
  machine.kill(10);
  // It reads, told of the death, and stays.
  expect(second.reader.recover(false)).toBe(OWNER_DIED);
  expect(third.writer.recover(false)).toBe(BUSY);
  expect(third.pending).toBe(true);
  expect(fourth.reader.try(false)).toBe(BUSY);
  third.writer.giveUp();
  expect(fourth.reader.try(false)).toBe(GRANTED);
  machine.kill(20);
  machine.kill(40);
  expect(third.writer.recover(false)).toBe(GRANTED);
});
