/** What a chaos run has come to. */
export interface Outcome {
  /** Workers and task workers that were killed. */
  readonly workerKills: number;
  readonly taskWorkerKills: number;
  /** Connections whose messages go by way of a task: each has one under way. */
  readonly taskConnections: number;
  readonly answers: number;
  /** Messages without an answer, of the port that echoes at once and of the one with tasks. */
  readonly lostEchoes: number;
  readonly lostTasks: number;
  /** Tasks whose caller heard of a death. */
  readonly failedTasks: number;
  readonly closed: number;
  /** Milliseconds that the slowest answer took, on the port that echoes at once. */
  readonly slowest: number;
  readonly processesBefore: number;
  readonly processesAfter: number;
  readonly descriptorsBefore: number;
  readonly descriptorsAfter: number;
  /** Resident bytes of the master, once a second. */
  readonly memory: readonly number[];
}

/** How much more memory the master may have in the last quarter of a run than in the second: bytes. */
export const MEMORY_SLACK = 16 * 2 ** 20;
/** Descriptors that may be under way when they are counted. */
export const DESCRIPTOR_SLACK = 2;

/** What was violated, a sentence for each; empty when everything held. */
export function violations(outcome: Outcome): string[] {
  const { workerKills, taskWorkerKills, taskConnections, answers, closed } = outcome;
  const { lostEchoes, lostTasks, failedTasks } = outcome;
  const growth = memoryGrowth(outcome.memory);
  const more = outcome.descriptorsAfter - outcome.descriptorsBefore;
  const checks: (readonly [boolean, string])[] = [
    [workerKills + taskWorkerKills > 0, 'Nothing was killed.'],
    [answers > 0, 'Nothing was answered.'],
    [closed === 0, `${closed} connections of clients were closed.`],
    [
      lostEchoes <= workerKills,
      `${lostEchoes} messages were lost by ${workerKills} deaths of workers: each had one in hand at most.`,
    ],
    [
      lostTasks <= workerKills * taskConnections,
      `${lostTasks} messages that waited for tasks were lost by ${workerKills} deaths of workers, which had fewer.`,
    ],
    [
      failedTasks <= taskWorkerKills * taskConnections,
      `${failedTasks} tasks failed by ${taskWorkerKills} deaths of task workers.`,
    ],
    [
      outcome.processesAfter === outcome.processesBefore,
      `There are ${outcome.processesAfter} processes where there were ${outcome.processesBefore}.`,
    ],
    [more <= DESCRIPTOR_SLACK, `The master has ${more} descriptors more than before.`],
    [growth <= MEMORY_SLACK, `The master's memory grew by ${(growth / 2 ** 20).toFixed(1)} MiB.`],
  ];
  return checks.filter(([held]) => !held).map(([, text]) => text);
}

/** From the second quarter of the samples, when it has its size, to the last: between their medians, in bytes. */
export function memoryGrowth(samples: readonly number[]): number {
  const quarter = Math.floor(samples.length / 4);
  if (quarter === 0) return 0;
  return median(samples.slice(-quarter)) - median(samples.slice(quarter, 2 * quarter));
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] as number;
}
