/**
 * Where a member of a pool is in its life.
 *
 * - `starting`: it has a process that has not said yet that it is ready
 * - `ready`: the process does its work
 * - `running`: it has done so for long enough that earlier failures are forgotten
 * - `draining`: another process has taken its place; it finishes what it has, until its deadline
 * - `stopping`: it has been asked to end
 * - `dead`: there is no process; perhaps one is waited for
 * - `given-up`: it failed too often and is left alone until it is started anew
 */
export type MemberState = 'starting' | 'ready' | 'running' | 'draining' | 'stopping' | 'dead' | 'given-up';

export type MemberEvent = 'start' | 'announced' | 'stable' | 'drain' | 'stop' | 'end' | 'give-up';

type Row = Readonly<Record<MemberEvent, MemberState | '·'>>;

function row(
  start: Row['start'],
  announced: Row['announced'],
  stable: Row['stable'],
  drain: Row['drain'],
  stop: Row['stop'],
  end: Row['end'],
  giveUp: Row['give-up'],
): Row {
  return { start, announced, stable, drain, stop, end, 'give-up': giveUp };
}

/** What comes of each event in each state; `·`: nothing happens. */
// biome-ignore format: it is a table
const TABLE: Readonly<Record<MemberState, Row>> = {
  //              start       announced  stable     drain       stop        end     give-up
  'dead':     row('starting', '·',       '·',       '·',        '·',        '·',    'given-up'),
  'starting': row('·',        'ready',   '·',       'stopping', 'stopping', 'dead', '·'),
  'ready':    row('·',        '·',       'running', 'draining', 'stopping', 'dead', '·'),
  'running':  row('·',        '·',       '·',       'draining', 'stopping', 'dead', '·'),
  'draining': row('·',        '·',       '·',       '·',        'stopping', 'dead', '·'),
  'stopping': row('·',        '·',       '·',       '·',        '·',        'dead', '·'),
  'given-up': row('starting', '·',       '·',       '·',        'dead',     '·',    '·'),
};

/** The state after `event`, or undefined where nothing happens. */
export function after(state: MemberState, event: MemberEvent): MemberState | undefined {
  const next = TABLE[state][event];
  return next === '·' ? undefined : next;
}
