import type { TransportChannel } from '@millrace/channel';
import { syscalls } from '@millrace/native';
import { createPipe, openPipe, type PipeDescriptors } from '@millrace/pipe-ipc';
import type { Member } from '../member/member.js';
import { type BusMessage, busCodec } from './bus-codec.js';

/** A member's way to and from the hub; it outlives the member's processes. */
interface Line {
  readonly member: Member;
  readonly ends: PipeDescriptors;
  readonly channel: TransportChannel<BusMessage>;
  /** Lines that are not read from until this one has room. */
  readonly held: Set<Line>;
}

/**
 * The parent's side of the bus: passes messages between members on, without a look at their values.
 *
 * Notes. Each member has a pipe that belongs to the parent: what a dead process had not read is read by the next. A
 * member that does not read has what is for it wait in the parent, up to a high-water mark; then nothing is read from
 * those who go on sending to it, and their own `send` says no. One process of a member reads at a time.
 */
export class BusHub {
  readonly #lines = new Map<string, Line>();
  #undelivered = 0;

  /** Messages whose addressee was not there. */
  get undelivered(): number {
    return this.#undelivered;
  }

  /** The descriptor of a member's end; its line is made when it is first asked for. Throws `SystemCallError`. */
  descriptor(member: Member): number {
    let line = this.#lines.get(member.name);
    if (line === undefined) {
      const ends = createPipe();
      const onBadDatagram = (error: Error) => this.#makesNoSense(member, error);
      const channel = openPipe(ends.left, { codec: busCodec(), onBadDatagram });
      line = { member, ends, channel, held: new Set() };
      this.#lines.set(member.name, line);
      this.#listen(line);
    }
    return line.ends.right;
  }

  /**
   * The processes of a member have changed: when one is left, it is the reader. Those that have detached themselves had
   * stopped reading before they said so.
   */
  changed(member: Member): void {
    if (member.drainingPids.length === 0) member.tell({ type: 'bus-open' });
  }

  /** The member has left; what waits for it is given up. */
  remove(member: Member): void {
    const line = this.#lines.get(member.name);
    if (line?.member !== member) return;
    this.#lines.delete(member.name);
    line.channel.destroy();
    syscalls.close(line.ends.right);
    this.#release(line);
  }

  close(): void {
    for (const { member } of [...this.#lines.values()]) this.remove(member);
  }

  #listen(line: Line): void {
    line.channel.onDrain(() => this.#release(line));
    line.channel.onBadMessage((error) => this.#makesNoSense(line.member, error as Error));
    line.channel.onMessage((message) => this.#pass(line, message));
    // The processes keep this one alive, not the ways between them.
    line.channel.unref();
  }

  #pass(from: Line, { name, value }: BusMessage): void {
    const to = this.#lines.get(name);
    if (to === undefined || !to.member.wanted) {
      this.#undelivered++;
      from.member.tell({ type: 'undelivered', to: name });
      return;
    }
    const more = this.#send(to, { name: from.member.name, value });
    if (more || to.held.has(from)) return;
    to.held.add(from);
    from.channel.pause();
  }

  /** True as well when the other does not read, and so much waits for it that this one is not taken. */
  #send(to: Line, message: BusMessage): boolean {
    try {
      return to.channel.send(message);
    } catch (error) {
      if ((error as { code?: unknown }).code !== 'ERR_MILLRACE_CHANNEL_FULL') throw error;
      this.#undelivered++;
      return true;
    }
  }

  /** It is the fault of one member: the others' messages are passed on. */
  #makesNoSense({ name }: Member, error: Error): void {
    this.#undelivered++;
    process.emitWarning(
      `What the member ${name} sends on the bus makes no sense, and is dropped: ${error.message}`,
      {
        code: 'MILLRACE_BAD_MESSAGE',
      },
    );
  }

  #release(line: Line): void {
    for (const sender of line.held) sender.channel.resume();
    line.held.clear();
  }
}
