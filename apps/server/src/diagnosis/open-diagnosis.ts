import type { RoleAssignment } from '../contract/role.js';
import { COUNTERS } from '../links/descriptor-names.js';
import { PeerIdentity } from '../links/peer-identity.js';
import { openCounters } from '../links/shared-resources.js';
import type { Topology } from '../links/topology.js';
import { ANSWER_FILE } from './answer-file.js';
import { Diagnosis } from './diagnosis.js';
import { DiagnosisWords } from './diagnosis-words.js';

/** How this process is looked into; `find`: the descriptors that it shares with others, as soon as there are some. */
export function openDiagnosis(
  { role, id }: RoleAssignment,
  topology: Topology,
  find: (name: string) => number | undefined,
): Diagnosis {
  const diagnosis = new Diagnosis(() => {
    const [memory, answerFile] = [find(COUNTERS), find(ANSWER_FILE)];
    if (memory === undefined || answerFile === undefined) return undefined;
    const { peer } = new PeerIdentity(role, id, { topology });
    return { words: new DiagnosisWords(openCounters(topology, memory).process(peer)), answerFile };
  });
  if (mayBeInterrupted(role, topology)) diagnosis.listen();
  return diagnosis;
}

/**
 * An order that comes by an interruption stands in memory that workers may write as well. Those with the same rights could do to each other
 * what they like; a manager that has more obeys its master alone. The master's loop runs nothing that could hold it.
 */
function mayBeInterrupted(role: RoleAssignment['role'], { isOther }: Topology): boolean {
  return role !== 'master' && (role !== 'manager' || !isOther);
}
