/**
 * What the subjects of a queue are, and which of them JetStream keeps.
 *
 *   NAME.tasks             stream NAME            a work queue: a task is removed when it is settled, or cancelled
 *   NAME.answers.ID        stream NAME-answers    the last word about a task, see answer-wire.ts; kept by age and count
 *   NAME.replies.CALLER    not kept               what hosts say to a caller
 *   NAME.hosts             not kept               cancellations, to all hosts
 *   NAME.host.HOST         not kept               credit for streams, to one
 *   NAME.reports           not kept               what hosts report of themselves, to all callers
 */
export class Subjects {
  readonly stream: string;
  readonly answerStream: string;
  readonly tasks: string;
  readonly hosts: string;
  readonly reports: string;

  constructor(name: string) {
    this.stream = name;
    this.answerStream = `${name}-answers`;
    this.tasks = `${name}.tasks`;
    this.hosts = `${name}.hosts`;
    this.reports = `${name}.reports`;
  }

  answer(id: string): string {
    return `${this.stream}.answers.${id}`;
  }

  get answers(): string {
    return this.answer('*');
  }

  replies(caller: string): string {
    return `${this.stream}.replies.${caller}`;
  }

  host(host: string): string {
    return `${this.stream}.host.${host}`;
  }
}
