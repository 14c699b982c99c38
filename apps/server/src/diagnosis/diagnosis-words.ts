import { DIAGNOSES, type DiagnosisKind } from '../contract/diagnosis.js';
import { countOf } from '../shared/counter-block.js';
import {
  ANSWER_BYTES,
  ANSWER_STATE,
  ANSWERED_ORDER,
  ORDER,
  ORDER_KIND,
  ORDER_PID,
} from '../shared/counters-layout.js';

/** What has become of an order; in shared memory by its place here, from 1 on. */
const STATES = ['begun', 'done', 'failed'] as const;
export type AnswerState = (typeof STATES)[number];

export interface DiagnosisAnswer {
  readonly order: number;
  readonly state: AnswerState;
  /** What is in the answer file: the profile, the address of the debugger, or why it has failed. */
  readonly bytes: number;
}

/** An order and its answer, in the block of counters of one process. */
export class DiagnosisWords {
  readonly #words: Float64Array;

  constructor(words: Float64Array) {
    this.#words = words;
  }

  /** Master: a process that reads no control messages finds it here, when it is interrupted. */
  give(pid: number, order: number, kind: DiagnosisKind): void {
    const words = this.#words;
    words[ORDER_PID] = pid;
    words[ORDER_KIND] = DIAGNOSES.indexOf(kind) + 1;
    words[ORDER] = order;
  }

  /** What this process is to do; undefined: nothing that there is. */
  get order(): { readonly order: number; readonly kind: DiagnosisKind } | undefined {
    const words = this.#words;
    const kind = DIAGNOSES[(words[ORDER_KIND] as number) - 1];
    if (kind === undefined || words[ORDER_PID] !== process.pid) return undefined;
    return { order: countOf(words[ORDER] as number), kind };
  }

  answer({ order, state, bytes }: DiagnosisAnswer): void {
    const words = this.#words;
    words[ANSWER_BYTES] = bytes;
    words[ANSWER_STATE] = STATES.indexOf(state) + 1;
    words[ANSWERED_ORDER] = order;
  }

  /** Admin process: what has become of that order; undefined: nothing yet. */
  answerTo(order: number): DiagnosisAnswer | undefined {
    const words = this.#words;
    const state = STATES[(words[ANSWER_STATE] as number) - 1];
    if (state === undefined || words[ANSWERED_ORDER] !== order) return undefined;
    return { order, state, bytes: countOf(words[ANSWER_BYTES] as number) };
  }
}
