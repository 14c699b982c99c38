import { shown } from '@millrace/channel';
import type { ScaleOptions } from '../contract/scale.js';
import { ServerError } from '../errors.js';
import type { Topology } from './topology.js';

/** Throws `ERR_MILLRACE_SCALE` for a size that the server cannot have. */
export function assertScale({ workers, taskWorkers }: ScaleOptions, topology: Topology): void {
  if (workers === undefined && taskWorkers === undefined)
    throw new ServerError(
      'ERR_MILLRACE_SCALE',
      "A server is scaled to a number of 'workers', of 'taskWorkers', or of both; neither is named.",
    );
  assertSize('workers', workers, 'maxWorkerNum', topology.workers);
  assertSize('taskWorkers', taskWorkers, 'maxTaskWorkerNum', topology.taskWorkers);
}

function assertSize(name: string, size: unknown, limit: string, most: number): void {
  if (size === undefined) return;
  if (most === 0)
    throw new ServerError(
      'ERR_MILLRACE_SCALE',
      `'${name}' cannot be ${shown(size)}: the server was started with taskWorkerNum 0, so what they need is not there. Start it with 1 or more.`,
    );
  if (Number.isInteger(size) && (size as number) >= 1 && (size as number) <= most) return;
  throw new ServerError(
    'ERR_MILLRACE_SCALE',
    `'${name}' cannot be ${shown(size)}: allowed are 1 to ${most}, which is '${limit}'; that is fixed when the server starts.`,
  );
}
