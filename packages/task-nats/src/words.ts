import { asBrokerError, type Connection, isOtherWord } from './connection.js';
import { type Word, wordWire } from './wire.js';

export interface LastWord {
  readonly word: Word;
  readonly sequence: number;
}

/**
 * What anyone may put on the subject of a task instead of a word: the next delivery says anew that it begins, as the first attempt that is
 * known of, and what an attempt before it says counts no more.
 */
const NO_WORD: Word = { kind: 'claimed', attempt: 0, by: '' };

function wordOf(bytes: Uint8Array): Word {
  const word = wordWire.decodeForeign(bytes);
  switch (word?.kind) {
    case 'claimed':
      return typeof word.attempt === 'number' && typeof word.by === 'string' ? word : NO_WORD;
    case 'done':
    case 'thrown':
      return typeof word.attempt === 'number' && (word.body as unknown) instanceof Uint8Array
        ? word
        : NO_WORD;
    case 'cancelled':
      return word;
    default:
      return NO_WORD;
  }
}

/** The last words about tasks; see {@link Word}. */
export class Words {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  async get(id: string): Promise<LastWord | undefined> {
    const { manager, subjects } = this.#connection;
    try {
      const found = await manager.direct.getMessage(subjects.answerStream, {
        last_by_subj: subjects.answer(id),
      });
      return found === null ? undefined : { word: wordOf(found.data), sequence: found.seq };
    } catch (error) {
      throw asBrokerError(error);
    }
  }

  /** Says `word` where the last one is that of `after` (0: there is none). Undefined: another one was. */
  async say(id: string, word: Word, after: number): Promise<number | undefined> {
    const { js, subjects } = this.#connection;
    try {
      const { seq } = await js.publish(subjects.answer(id), wordWire.encode(word), {
        expect: { lastSubjectSequence: after },
      });
      return seq;
    } catch (error) {
      if (isOtherWord(error)) return undefined;
      throw asBrokerError(error);
    }
  }

  /** Says `word` whatever was said before. */
  async insist(id: string, word: Word): Promise<void> {
    const { js, subjects } = this.#connection;
    try {
      await js.publish(subjects.answer(id), wordWire.encode(word));
    } catch (error) {
      throw asBrokerError(error);
    }
  }
}
