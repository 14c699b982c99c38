import { asBrokerError, type Connection, isOtherWord } from './connection.js';
import { type Word, wordWire } from './wire.js';

export interface LastWord {
  readonly word: Word;
  readonly sequence: number;
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
      return found === null ? undefined : { word: wordWire.decode(found.data), sequence: found.seq };
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
