import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Site } from '../dist/kinds/kind.js';
import { PROTOCOL_CASES, type ProtocolCase } from '../dist/rfc6455/cases.js';
import { DEFLATE_CASES } from '../dist/rfc6455/deflate-cases.js';
import { close } from '../dist/rfc6455/frames.js';
import { type Talk, talk } from '../dist/rfc6455/talk.js';
import { PLAIN, Served, type StartCommand, startCommand } from '../dist/start.js';

const COMMAND = startCommand();
/** Bytes up to which a case is sent byte by byte as well. */
const SHORT = 1_000;

let plain: Site;
let candidate: Site;
const running: Served[] = [];

beforeAll(async () => {
  const start = async (by: StartCommand): Promise<Site> => {
    const served = await Served.start('ws.js', by);
    running.push(served);
    return { served, port: served.port };
  };
  [plain, candidate] = await Promise.all([start(PLAIN), start(COMMAND)]);
});

afterAll(async () => {
  await Promise.all(running.map((served) => served[Symbol.asyncDispose]()));
});

/** By both, of which each must say what is expected, and the same bytes. */
async function compare({ sent, expected, extensions, isCut }: ProtocolCase, chop?: number): Promise<void> {
  const bytes = Buffer.concat(isCut ? sent : [...sent, close(1000)]);
  const path = extensions === undefined ? '/plain' : '/compressed';
  const by = (site: Site): Promise<Talk> =>
    talk(site, bytes, { path, extensions, isCut, ...(chop !== undefined && { chop }) });
  const [ofNode, seen] = await Promise.all([by(plain), by(candidate)]);
  expect(ofNode.told).toEqual(expected);
  expect(seen).toEqual(ofNode);
}

const ALL = [...PROTOCOL_CASES, ...DEFLATE_CASES];

describe.each([...new Set(ALL.map(({ section }) => section))])('%s', (section) => {
  const cases = ALL.filter((one) => one.section === section);

  test.for(cases)(
    `$says: ${COMMAND.name} sends what is to come, byte for byte as plain node`,
    async (one) => {
      await compare(one);
    },
  );

  test.for(cases.filter(({ sent }) => lengthOf(sent) <= SHORT))(
    `$says, sent byte by byte: ${COMMAND.name} sends the same`,
    async (one) => {
      await compare(one, 1);
    },
  );
});

function lengthOf(pieces: readonly Buffer[]): number {
  return pieces.reduce((sum, { length }) => sum + length, 0);
}
