import type { ChildProcessContext, MemberSpec } from '@millrace/process-pool';
import { KILL_GRACE_MS } from '../constants.js';
import type { ProcessRole } from '../contract/ids.js';
import type { RoleAssignment } from '../contract/role.js';
import { ANSWER_FILE } from '../diagnosis/answer-file.js';
import { NUMBERS } from '../links/descriptor-names.js';
import { processKind } from '../links/process-kinds.js';
import type { Topology } from '../links/topology.js';
import { LOG_FILE, type LogFiles } from '../log/log-files.js';
import { OUTPUT_NAMES } from '../log/output-pipes.js';
import { handedRegistries } from '../metrics/program-registries.js';
import type { RoleContext } from '../process/role-context.js';
import { spawnArguments } from '../process/spawn-arguments.js';
import { serviceAssignment } from '../services/services-of.js';
import type { ServerSize } from '../shared/server-size.js';

export interface MemberSpecsParts {
  readonly context: RoleContext;
  /** The manager's. */
  readonly child: ChildProcessContext;
  readonly topology: Topology;
  /** Where processes are handed the log's file. */
  readonly logFiles: LogFiles | undefined;
}

const SERVICE_PROGRAM = new URL('./service-process.js', import.meta.url);

/** How each process below the manager is started, with what it inherits. */
export function memberSpecs(parts: MemberSpecsParts, { taskWorkers, places }: ServerSize): MemberSpec[] {
  const { userProcesses, services } = parts.topology;
  return [
    ...Array.from({ length: places }, (_, id) => memberSpec(parts, 'worker', id)),
    ...Array.from({ length: taskWorkers }, (_, id) => memberSpec(parts, 'taskWorker', id)),
    ...Array.from({ length: userProcesses - services.length }, (_, id) =>
      memberSpec(parts, 'userProcess', id),
    ),
    ...services.map((_, id) => memberSpec(parts, 'service', id)),
  ];
}

/** Starts in a row that fail, of a process that comes by scaling: what the program fails of it fails of each time. */
const MOST_FAILED_STARTS = 3;

/** A process of those that come by scaling; so many were in its place before. */
export function addedSpec(
  parts: MemberSpecsParts,
  role: ProcessRole,
  id: number,
  incarnationsBefore: number,
): MemberSpec {
  const spec = memberSpec(parts, role, id, { added: true, incarnationsBefore });
  // Who has asked for it is told of starts that fail, and decides. One may be killed from outside.
  return { ...spec, restart: { giveUpAfter: MOST_FAILED_STARTS } };
}

function memberSpec(
  { context, child, topology, logFiles }: MemberSpecsParts,
  role: ProcessRole,
  id: number,
  added: Pick<RoleAssignment, 'added' | 'incarnationsBefore'> = {},
): MemberSpec {
  const { names, name } = processKind(role, topology, id);
  const isService = role === 'service';
  const { maxWaitTime, maxWorkerMemory } = context.options;
  const { taskFiles, taskRun } = child.data as RoleAssignment;
  const { plan, failedStarts, program } = context;
  const managerIncarnation = child.incarnation;
  const data: RoleAssignment = {
    role,
    id,
    managerIncarnation,
    plan,
    failedStarts,
    taskFiles,
    taskRun,
    ...(isService && { service: serviceAssignment(context.options, topology, id) }),
    ...added,
    // As it is when a process is started.
    get program() {
      return program?.current;
    },
  };
  return {
    name,
    title: `${context.options.title}: ${name}`,
    ...(isService ? { entry: SERVICE_PROGRAM, spare: false } : spawnArguments(context.options)),
    descriptors: {
      ...Object.fromEntries(names.map((key) => [key, child.descriptor(key)])),
      [NUMBERS]: child.descriptor(NUMBERS),
      ...Object.fromEntries([...child.descriptors].filter(([key]) => OUTPUT_NAMES.includes(key))),
      ...handedRegistries(child.descriptors),
      ...(logFiles && { [LOG_FILE]: logFiles.add() }),
      ...(child.descriptors.has(ANSWER_FILE) && { [ANSWER_FILE]: child.descriptor(ANSWER_FILE) }),
    },
    data,
    // What the first processes fail at the others do, too, and the next attempt. A start that fails says so at once.
    ...(managerIncarnation === 1 && { restart: { giveUpAfter: 1 } }),
    // As long as the user's workerStart takes.
    startTimeout: Number.POSITIVE_INFINITY,
    drainTimeout: maxWaitTime + KILL_GRACE_MS,
    detachTimeout: maxWaitTime + KILL_GRACE_MS,
    ...((role === 'worker' || role === 'taskWorker') &&
      maxWorkerMemory > 0 && { maxMemory: maxWorkerMemory }),
    // Clients are accepted when the workers are up; tasks that come before their workers wait in the links.
    ...(role === 'taskWorker' && { startsLate: true }),
    ...(role === 'worker' && context.options.standby && { standby: true }),
    // In base mode connections end with their worker: the next waits for that. Without a standby it takes longer to come than the end does.
    ...(role === 'worker' && context.options.standby && !topology.base && { earlyRestart: true }),
    // It has its name as long as it lives: one that takes its place waits for its end.
    ...((role === 'userProcess' || isService) && { exclusive: true }),
  };
}
