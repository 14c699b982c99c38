/**
 * The promises of {@link Channel} as tests, for vitest: a transport's own test file hands over a factory and runs
 * all of them. Written once, so that a transport made elsewhere can be held to the same.
 */
import { describe } from 'vitest';
import { flowContract } from './contract/flow.js';
import { lifetimeContract } from './contract/lifetime.js';
import { type ContractSubject, Maker } from './contract/subject.js';
import { valuesContract } from './contract/values.js';

export type { ChannelPair, ContractSubject } from './contract/subject.js';

const WATCHDOG = { timeout: 30_000 };

export function channelContract(name: string, subject: ContractSubject): void {
  const make = new Maker(subject);
  describe(`${name} keeps the contract of a channel`, WATCHDOG, () => {
    valuesContract(make);
    flowContract(make);
    lifetimeContract(make);
  });
}
