import { bytes, type Column, grouped, painter, table } from '../admin/format.js';
import { CommandError } from '../command-error.js';
import { type Named, named } from '../segments/leftovers.js';

/** Prints what this user has under names that outlive processes: shared memory, and the files that servers are found by. */
export async function segments({ json }: { readonly json?: true }): Promise<void> {
  const found = await named();
  if (json) return console.log(JSON.stringify(found));
  if (found.length === 0) return console.error('There is nothing of this user.');
  const [titles = '', ...rows] = table(COLUMNS, found);
  console.log([painter(process.stdout)('dim', titles), ...rows].join('\n'));
}

/** Removes what nobody has open and whose creator has ended; without `yes` it tells what that would be. */
export async function clean({ json, yes }: { readonly json?: true; readonly yes?: true }): Promise<void> {
  const leftovers = (await named()).filter(({ leftover }) => leftover);
  const gone: Named[] = [];
  const failed: string[] = [];
  for (const one of yes ? leftovers : []) {
    // It may have been taken up since the first look.
    const again = (await named()).find(({ kind, name }) => kind === one.kind && name === one.name);
    try {
      if (again?.leftover && again.remove()) gone.push(one);
    } catch (error) {
      failed.push(`${one.name}: ${(error as Error).message}`);
    }
  }
  const told = yes ? gone : leftovers;
  if (json) console.log(JSON.stringify(told));
  else for (const { kind, name } of told) console.log(`${kind} ${name}`);
  if (failed.length > 0) throw new CommandError('failed', failed.join('\n'));
  if (!json)
    console.error(
      yes
        ? `${grouped(gone.length)} removed`
        : `${grouped(leftovers.length)} left over; millrace segments clean --yes removes them`,
    );
}

const COLUMNS: readonly Column<Named>[] = [
  { title: 'KIND', of: ({ kind, holds }) => holds ?? kind },
  { title: 'NAME', of: ({ name }) => name },
  { title: 'BYTES', of: (one) => (one.kind === 'segment' ? bytes(one.bytes) : '-'), right: true },
  { title: 'MADE BY', of: ({ creator }) => (creator === null ? '-' : String(creator)), right: true },
  {
    title: 'USED BY',
    of: ({ usedBy, leftover }) => (leftover ? 'left over' : usedBy.slice(0, 4).join(' ') || 'in use'),
  },
];
