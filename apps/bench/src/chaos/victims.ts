import { randomInt } from 'node:crypto';

interface Titled {
  readonly pid: number;
  readonly title: string;
}

export interface Victim {
  readonly pid: number;
  readonly kind: 'worker' | 'taskWorker';
}

/** One of the workers and task workers among `processes`, each as likely; undefined when there is none. */
export function victim(
  processes: readonly Titled[],
  random: (below: number) => number = randomInt,
): Victim | undefined {
  const victims = processes.flatMap(({ pid, title }): Victim[] => {
    const kind = /: (task )?worker \d+$/.exec(title);
    return kind === null ? [] : [{ pid, kind: kind[1] === undefined ? 'worker' : 'taskWorker' }];
  });
  return victims.length === 0 ? undefined : victims[random(victims.length)];
}
