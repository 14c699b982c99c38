import { type Counts, KINDS } from './counts.js';
import type { Scene } from './results.js';

type Kind = keyof Counts;

/** What may become of requests, by mode and scene. */
const ALLOWED: Readonly<Record<string, Readonly<Record<string, readonly Kind[]>>>> = {
  process: {
    kills: ['ok', 'badGateway', 'reset'],
    reloads: ['ok'],
    'kills at each byte': ['ok', 'badGateway', 'reset'],
  },
  // Connections end with their worker: when it is killed, in whatever state they are.
  base: {
    kills: ['ok', 'reset', 'cut', 'unanswered', 'closedAtBoundary'],
    reloads: ['ok', 'reset', 'unanswered', 'closedAtBoundary'],
  },
};
/** What is never right, in any scene. */
const NEVER = ['beyond', 'second', 'stayedOpen', 'smuggled', 'lost', 'doubled', 'wrong'] as const;

/** What has happened in a scene that must not, in words. */
export function violations(mode: string, { scene, ...result }: Scene): string[] {
  const found: string[] = [];
  const counts = result.counts as Counts | undefined;
  const allowed = ALLOWED[mode]?.[scene] ?? [];
  for (const kind of counts === undefined ? [] : KINDS) {
    const count = (counts as Counts)[kind];
    if (count > 0 && !allowed.includes(kind)) found.push(`${scene}: ${count} ${kind}`);
  }
  for (const name of NEVER) {
    const count = result[name];
    // What a kill costs at most is known where requests are answered 502.
    if (typeof count === 'number' && count > 0 && !(name === 'beyond' && mode === 'base'))
      found.push(`${scene}: ${count} ${name}`);
  }
  for (const list of [result.short, result.others])
    if (Array.isArray(list)) found.push(...list.map((text) => `${scene}: ${text}`));
  return found;
}
