import { optionNames } from '@millrace/channel';
import { causeOf, describeEnd, type Exit } from '../launch/exit.js';
import type { Member } from '../member/member.js';
import type { ReplaceResult } from '../member/replacement.js';

export interface ReloadOptions {
  /** Which members; default all. */
  readonly members?: readonly Member[];
  /** Whether all are replaced at the same time; by default one after the other. */
  readonly allAtOnce?: boolean;
  /** The word for how, handed to the processes that go. Default `'drain'`. */
  readonly mode?: string;
  /**
   * Aborts when something waits for the end of this reload, as another call of `reload` does by itself: from then on a new process
   * that takes far longer to become ready than those before it is killed, and the reload has failed.
   */
  readonly overtaken?: AbortSignal;
}

export const RELOAD_OPTIONS = optionNames<ReloadOptions>({
  members: true,
  allAtOnce: true,
  mode: true,
  overtaken: true,
});

export type ReloadResult =
  /** Every member has a new process, and the last of those before has ended. */
  | { readonly outcome: 'reloaded'; readonly replaced: number }
  /**
   * A new process has ended before it was ready: the one that it was to replace goes on, and no other member is
   * touched after it. `replaced` members had got theirs before.
   */
  | {
      readonly outcome: 'failed';
      readonly replaced: number;
      readonly member: Member;
      readonly exit: Exit;
      /** What an operator should know. */
      readonly advice: string;
    }
  /** The pool was stopped meanwhile. */
  | { readonly outcome: 'stopped'; readonly replaced: number };

export interface ReloadHost {
  /** Waits until none of these is among the former processes of the members any more. */
  gone(pids: ReadonlySet<number>): Promise<void>;
  /** Whether the pool is being stopped. */
  stopped(): boolean;
}

/** How often a new process may be killed from outside, which says nothing against the version that it runs. */
const MAX_KILLS = 4;

/** Puts new processes in the places of the members', each when it is ready, and waits for the ends of those before. */
export async function replaceAll(
  members: readonly Member[],
  { allAtOnce = false, mode = 'drain', overtaken }: ReloadOptions,
  host: ReloadHost,
): Promise<ReloadResult> {
  const limitStarts = () => {
    for (const member of members) member.limitStart();
  };
  overtaken?.addEventListener('abort', limitStarts);
  const before = new Set(members.flatMap(({ pid }) => pid ?? []));
  let replaced = 0;
  let stopped = false;
  let failure: { member: Member; exit: Exit } | undefined;
  const one = async (member: Member) => {
    const result = await replaceOne(member, mode, overtaken);
    if (result.outcome === 'replaced') replaced++;
    else if (result.outcome === 'failed') failure ??= { member, exit: result.exit };
    else if (host.stopped()) stopped = true;
  };
  if (allAtOnce) await Promise.all(members.map(one));
  else for (const member of members) if (!failure && !stopped) await one(member);
  overtaken?.removeEventListener('abort', limitStarts);
  const left = new Set(members.flatMap(({ awaitedPids }) => awaitedPids).filter((pid) => before.has(pid)));
  await host.gone(left);
  if (failure) return { outcome: 'failed', replaced, ...failure, advice: advise(failure, replaced) };
  return stopped ? { outcome: 'stopped', replaced } : { outcome: 'reloaded', replaced };
}

async function replaceOne(
  member: Member,
  mode: string,
  overtaken: AbortSignal | undefined,
): Promise<ReplaceResult> {
  for (let kills = 0; ; ) {
    const replaced = member.replace(mode);
    if (overtaken?.aborted) member.limitStart();
    const result = await replaced;
    // That one has begun before: it may have loaded what was there before. This reload waits for it.
    if (result.outcome === 'busy') {
      member.limitStart();
      await member.replaced;
    } else if (result.outcome !== 'failed' || causeOf(result.exit) !== 'killed' || ++kills >= MAX_KILLS)
      return result;
  }
}

/** One reload that does what both ask for. */
export function mergeReloads(one: ReloadOptions, other: ReloadOptions): ReloadOptions {
  // Without members, all.
  const members = one.members && other.members ? [...new Set([...one.members, ...other.members])] : undefined;
  const mode = other.mode ?? one.mode;
  // Only when no caller wants them one by one.
  const allAtOnce = Boolean(one.allAtOnce && other.allAtOnce);
  const signals = [one.overtaken, other.overtaken].filter((signal) => signal !== undefined);
  return {
    allAtOnce,
    ...(members && { members }),
    ...(mode !== undefined && { mode }),
    ...(signals.length > 0 && { overtaken: AbortSignal.any(signals) }),
  };
}

function advise({ member, exit }: { member: Member; exit: Exit }, replaced: number): string {
  return (
    `The new ${member.name} ended ${describeEnd(exit)} before it was ready, so the one before goes on; ` +
    `${replaced} members have new processes. What it wrote is the reason: mend that, and reload again.`
  );
}
