/** What stands in a {@link WaitingLine}: it has its neighbours, so that standing there allocates nothing. */
export interface Waiting {
  since: number;
  before: Waiting | undefined;
  behind: Waiting | undefined;
  line: WaitingLine | undefined;
}

/** Those that wait for the same length of time: whoever came first is over first. */
export class WaitingLine {
  #first: Waiting | undefined;
  #last: Waiting | undefined;

  get isEmpty(): boolean {
    return this.#first === undefined;
  }

  /** It waits from `now` on, in this line and in no other. */
  enter(waiting: Waiting, now: number): void {
    waiting.line?.leave(waiting);
    waiting.since = now;
    waiting.line = this;
    waiting.before = this.#last;
    if (this.#last === undefined) this.#first = waiting;
    else this.#last.behind = waiting;
    this.#last = waiting;
  }

  leave(waiting: Waiting): void {
    const { before, behind } = waiting;
    if (before === undefined) this.#first = behind;
    else before.behind = behind;
    if (behind === undefined) this.#last = before;
    else behind.before = before;
    waiting.before = waiting.behind = waiting.line = undefined;
  }

  /** Takes the first one out, if it waits since `until` or longer. */
  takeBefore(until: number): Waiting | undefined {
    const first = this.#first;
    if (first === undefined || first.since > until) return undefined;
    this.leave(first);
    return first;
  }
}
