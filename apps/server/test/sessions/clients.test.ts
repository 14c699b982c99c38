import fc from 'fast-check';
import { expect, test } from 'vitest';
import { asSession } from '../../src/contract/ids.js';
import type { Client } from '../../src/reactor/client.js';
import { Clients } from '../../src/reactor/clients.js';

const CAPACITY = 1_024;

const clientOf = (session: number) => ({ session: asSession(session) }) as Client;

test.each([1, 4])('are found by their sessions, as in a Map, with one of %i parts of the table', (parts) => {
  fc.assert(
    fc.property(fc.array(fc.nat(2 * CAPACITY), { maxLength: 400 }), fc.nat(2 ** 45), (numbers, first) => {
      const clients = new Clients(CAPACITY, parts);
      const model = new Map<number, Client>();
      // As sessions are given out: a part's leave one remainder, and two that are open never have the same slot.
      for (const number of numbers) {
        const session = 1 + (first + number) * parts;
        const there = [...model.values()].find((other) => other.session % CAPACITY === session % CAPACITY);
        if (there) {
          clients.delete(there);
          model.delete(there.session);
        } else {
          const client = clientOf(session);
          clients.add(client);
          model.set(session, client);
        }
        expect(clients.get(session)).toBe(model.get(session));
        expect(clients.size).toBe(model.size);
      }
      expect(new Set(clients.all())).toEqual(new Set(model.values()));
    }),
  );
});

test('nobody is found by what is no session, and who has gone is not deleted twice', () => {
  const clients = new Clients(CAPACITY, 1);
  const client = clientOf(7);
  clients.add(client);
  for (const other of [0, -7, 7.5, 7 + CAPACITY, Number.NaN, Number.POSITIVE_INFINITY])
    expect(clients.get(other)).toBeUndefined();
  clients.delete(clientOf(7));
  expect(clients.get(7)).toBe(client);
  clients.delete(client);
  clients.delete(client);
  expect([clients.size, clients.all()]).toEqual([0, []]);
});
