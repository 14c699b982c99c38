import { LINK, linksOf } from '../links/server-plan.js';
import { processesOf, type Topology } from '../links/topology.js';
import { memoryThereIs } from '../options/memory-there-is.js';
import type { RoleContext } from '../process/role-context.js';
import { kernelBuffers } from './kernel-buffers.js';

/** Bytes that a process takes before it has done anything, about: what it shares with the others apart. */
const PROCESS_BYTES = 40 << 20;

const MIB = 1 << 20;
/** With commas between thousands. `toLocaleString` loads the rules of languages first, which takes 6 to 12 ms of a start. */
const inMib = (bytes: number) => `${`${Math.ceil(bytes / MIB)}`.replace(/\B(?=(?:\d{3})+$)/g, ',')} MiB`;

/**
 * Warns where the options add up to more at worst than the memory there is. Returns what says else what they add up to: the log takes time to load,
 * which the start has when clients come in.
 */
export function checkMemory(context: RoleContext, topology: Topology): () => void {
  const { options } = context;
  const memory = memoryThereIs();
  const { maxClientMemory, maxConnections } = options;
  const rings = linksOf(topology).ringBytes(LINK);
  // The master and the manager, and what is below them.
  const standbys = options.standby ? topology.workers : 0;
  const processes = (processesOf(topology) + standbys + 2) * PROCESS_BYTES;
  const atWorst = maxClientMemory + rings + processes;
  if (atWorst > memory) {
    context.log.warn(
      { memory, atWorst, maxClientMemory, rings, processes },
      `the options add up to ${inMib(atWorst)} at worst, and there are ${inMib(memory)}: lower maxClientMemory (${inMib(maxClientMemory)}), ` +
        `ringSize (${inMib(rings)} in all) or the number of processes (about ${inMib(processes)})`,
    );
    return () => {};
  }
  return () =>
    context.log.info(
      { memory, atWorst, maxClientMemory, rings, processes, kernelBuffers: kernelBuffers(maxConnections) },
      `memory at worst: ${inMib(atWorst)} of ${inMib(memory)}`,
    );
}
