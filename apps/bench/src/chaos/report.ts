import { memoryGrowth, type Outcome } from './verdict.js';

const MIB = 2 ** 20;

export function report(minutes: number, outcome: Outcome): string {
  const { workerKills, taskWorkerKills, memory } = outcome;
  const mib = (bytes: number) => `${(bytes / MIB).toFixed(1)} MiB`;
  const lines: (readonly [string, string])[] = [
    ['minutes', String(minutes)],
    ['killed', `${workerKills} workers, ${taskWorkerKills} task workers`],
    ['answers', outcome.answers.toLocaleString('en-US')],
    ['lost', `${outcome.lostEchoes} echoes, ${outcome.lostTasks} that waited for a task`],
    ['tasks whose caller heard of a death', String(outcome.failedTasks)],
    ['connections closed', String(outcome.closed)],
    ['slowest echo', `${outcome.slowest.toFixed(0)} ms`],
    ['processes', `${outcome.processesBefore} before, ${outcome.processesAfter} after`],
    ["master's descriptors", `${outcome.descriptorsBefore} before, ${outcome.descriptorsAfter} after`],
    [
      "master's memory",
      memory.length === 0
        ? 'not looked at: the run was shorter than a second'
        : `${mib(Math.min(...memory))} to ${mib(Math.max(...memory))}, grown by ${mib(memoryGrowth(memory))} from the second quarter to the last`,
    ],
  ];
  const width = Math.max(...lines.map(([name]) => name.length));
  return lines.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join('\n');
}
