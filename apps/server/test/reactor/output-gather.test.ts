import { describe, expect, it } from 'vitest';
import { GATHER_BYTES, GATHER_LIMIT } from '../../src/constants.js';
import { OutputGather } from '../../src/reactor/output-gather.js';

/** Notes what is sent to it, in the order of all sinks. */
class NotingSink {
  constructor(
    readonly name: string,
    readonly sent: string[],
    readonly onWrite: () => void = () => {},
  ) {}

  write(bytes: Uint8Array, start: number, end: number): void {
    this.sent.push(`${this.name}:${Buffer.from(bytes.subarray(start, end)).toString()}`);
    this.onWrite();
  }
}

function gathering() {
  const sent: string[] = [];
  const written: string[] = [];
  const clock = { ms: 0 };
  const gather = new OutputGather<NotingSink>(
    () => 1,
    ({ name }, bytes) => written.push(`${name} ${bytes}`),
    () => clock.ms,
  );
  const say = (sink: NotingSink, text: string) => gather.write(sink, Buffer.from(text), 0, text.length);
  const sink = (name: string, onWrite?: () => void) => new NotingSink(name, sent, onWrite);
  return { gather, sent, written, clock, say, sink };
}

describe('OutputGather', () => {
  it('sends the answers of a turn at its end, those to one client in a row together', () => {
    const { gather, sent, written, say, sink } = gathering();
    const [one, two] = [sink('one'), sink('two')];
    for (const [to, text] of [
      [one, 'a'],
      [one, 'b'],
      [two, 'c'],
      [one, 'd'],
    ] as const)
      say(to, text);
    expect(sent).toEqual([]);
    expect(gather.pending).toBe(true);
    gather.flush();
    expect(sent).toEqual(['one:ab', 'two:c', 'one:d']);
    expect(written).toEqual(['one 2', 'two 1', 'one 1']);
    expect(gather.pending).toBe(false);
    gather.flush();
    expect(sent).toHaveLength(3);
  });

  it('lets the answer of a slow handler wait for one other handler, and those of quick ones for four', () => {
    const { gather, sent, clock, say, sink } = gathering();
    const sinks = Array.from({ length: 12 }, (_, at) => sink(String(at)));
    for (const each of sinks.slice(0, 3)) {
      say(each, 'x');
      clock.ms += 20;
    }
    expect(sent).toEqual(['0:x', '1:x']);
    gather.flush();
    sent.length = 0;
    for (const each of sinks.slice(0, 3)) say(each, 'x');
    for (const each of sinks.slice(3, 6)) {
      clock.ms += 20;
      say(each, 'y');
    }
    expect(sent).toEqual(['0:x', '1:x', '2:x', '3:y', '4:y']);
  });

  it('sends a large answer at once, behind what was gathered before it', () => {
    const { gather, sent, say, sink } = gathering();
    const one = sink('one');
    say(one, 'small');
    say(sink('two'), 'x'.repeat(GATHER_LIMIT + 1));
    expect(sent.map((each) => each.slice(0, 9))).toEqual(['one:small', 'two:xxxxx']);
    expect(gather.pending).toBe(false);
  });

  it('sends what is gathered when there is no room for more', () => {
    const { gather, sent, say, sink } = gathering();
    const answers = GATHER_BYTES / GATHER_LIMIT;
    for (let i = 0; i <= answers; i++) say(sink(String(i)), String(i % 10).repeat(GATHER_LIMIT));
    expect(sent).toHaveLength(answers);
    gather.flush();
    expect(sent).toHaveLength(answers + 1);
    expect(sent.every((each) => each.length === GATHER_LIMIT + 2)).toBe(true);
  });

  it('sends to every client although one of them fails, and what that leads to behind the rest', () => {
    const { gather, sent, say, sink } = gathering();
    const last = sink('last');
    const failing = sink('failing', () => {
      say(last, 'more');
      throw new Error('it is broken');
    });
    say(failing, 'a');
    say(last, 'b');
    expect(() => gather.flush()).toThrow('it is broken');
    expect(sent).toEqual(['failing:a', 'last:b', 'last:more']);
    expect(gather.pending).toBe(false);
  });
});
