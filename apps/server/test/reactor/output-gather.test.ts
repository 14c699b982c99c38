import { EPIPE, SHUT_RDWR, SOCK_STREAM, syscalls } from '@millrace/native/syscalls';
import { describe, expect, it, onTestFinished } from 'vitest';
import { GATHER_BYTES, GATHER_LIMIT } from '../../src/constants.js';
import { OutputGather } from '../../src/reactor/output-gather.js';

/** Notes what is sent to it, in the order of all sinks. */
class NotingSink {
  constructor(
    readonly name: string,
    readonly sent: string[],
    readonly onWrite: () => void = () => {},
  ) {}

  readonly writableFd: number = -1;

  write(bytes: Uint8Array, start: number, end: number): void {
    this.sent.push(`${this.name}:${Buffer.from(bytes.subarray(start, end)).toString()}`);
    this.onWrite();
  }

  wrote(bytes: Uint8Array, start: number, end: number, _now: number, result: number): void {
    this.sent.push(`${this.name}:${Buffer.from(bytes.subarray(start, end)).toString()}=${result}`);
    this.onWrite();
  }
}

/** One that is sent to past `write`, and what has come at the other end. */
class SocketSink extends NotingSink {
  override readonly writableFd: number;
  readonly #peer: number;

  constructor(...parts: ConstructorParameters<typeof NotingSink>) {
    super(...parts);
    const pair = new Int32Array(2);
    expect(syscalls.socketPair(SOCK_STREAM, new Uint8Array(pair.buffer))).toBe(0);
    [this.writableFd, this.#peer] = pair as unknown as [number, number];
    onTestFinished(() => {
      for (const fd of pair) syscalls.close(fd);
    });
  }

  get arrived(): string {
    const memory = Buffer.alloc(GATHER_BYTES);
    return memory.toString('latin1', 0, Math.max(0, syscalls.receive(this.#peer, memory, 0, GATHER_BYTES)));
  }

  closePeer(): void {
    expect(syscalls.shutdown(this.#peer, SHUT_RDWR)).toBe(0);
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
  const socket = (name: string, onWrite?: () => void) => new SocketSink(name, sent, onWrite);
  return { gather, sent, written, clock, say, sink, socket };
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

  it('sends to the sockets of several clients by one call, and tells each what came of it', () => {
    const { gather, sent, written, say, sink, socket } = gathering();
    const [one, two, gone] = [socket('one'), socket('two'), socket('gone')];
    gone.closePeer();
    for (const to of [one, gone, sink('other'), two]) say(to, to.name.toUpperCase());
    gather.flush();
    expect(sent).toEqual(['one:ONE=3', `gone:GONE=${-EPIPE}`, 'other:OTHER', 'two:TWO=3']);
    expect(written).toEqual(['one 3', 'gone 4', 'other 5', 'two 3']);
    expect([one.arrived, two.arrived]).toEqual(['ONE', 'TWO']);
  });

  it('lets no later answer to a client pass one of which the kernel may have left some', () => {
    const { gather, sent, say, socket } = gathering();
    const [one, two] = [socket('one'), socket('two')];
    for (const [to, text] of [
      [one, 'a'],
      [two, 'b'],
      [one, 'c'],
      [two, 'd'],
    ] as const)
      say(to, text);
    gather.flush();
    // By `write`, which knows what waits.
    expect(sent).toEqual(['one:a=1', 'two:b=1', 'one:c', 'two:d']);
    say(one, 'e');
    say(two, 'f');
    gather.flush();
    expect(sent.slice(4)).toEqual(['one:e=1', 'two:f=1']);
  });

  it('sends nothing twice where a client fails in the middle of what one call has sent', () => {
    const { gather, sent, say, socket } = gathering();
    const fails = () => {
      throw new Error('it is broken');
    };
    const sockets = Array.from({ length: 150 }, (_, at) =>
      socket(`${at}`, at % 70 === 3 ? fails : undefined),
    );
    for (const to of sockets) say(to, to.name);
    expect(() => gather.flush()).toThrow('it is broken');
    expect(sockets.map(({ arrived }) => arrived)).toEqual(sockets.map(({ name }) => name));
    expect(sent).toHaveLength(sockets.length);
    expect(gather.pending).toBe(false);
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
