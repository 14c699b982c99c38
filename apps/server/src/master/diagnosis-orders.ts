import type { Diagnose, DiagnosisKind } from '../contract/diagnosis.js';
import type { PeerId } from '../contract/ids.js';
import type { Diagnosis } from '../diagnosis/diagnosis.js';
import { DiagnosisWords } from '../diagnosis/diagnosis-words.js';
import type { Counters } from '../shared/counters.js';

interface Parts {
  readonly counters: Counters;
  /** This process's. */
  readonly own: Diagnosis;
  readonly tellManager: (message: Diagnose) => void;
}

/** Has processes look into themselves: each is told by its control pipe, and finds it in shared memory where it does not read that. */
export class DiagnosisOrders {
  readonly #parts: Parts;
  #last = 0;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Returns the number of the order. */
  give(peer: PeerId, pid: number, kind: DiagnosisKind): number {
    const { counters, own, tellManager } = this.#parts;
    this.#last++;
    new DiagnosisWords(counters.process(peer)).give(pid, this.#last, kind);
    if (pid === process.pid) own.obey(this.#last, kind);
    else tellManager({ type: 'diagnose', pid, order: this.#last, kind });
    return this.#last;
  }
}
