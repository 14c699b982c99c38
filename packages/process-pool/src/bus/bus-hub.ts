import type { TransportChannel } from '@millrace/channel';
import { syscalls } from '@millrace/native/syscalls';
import { createPipe, openPipe, type PipeDescriptors } from '@millrace/pipe-ipc';
import type { Member } from '../member/member.js';
import { type BusMessage, busCodec } from './bus-codec.js';

/** A member's pipe to the hub; it outlives the member's processes. */
interface MemberLink {
  readonly member: Member;
  readonly ends: PipeDescriptors;
  readonly channel: TransportChannel<BusMessage>;
  /** Members whose messages are not read until this one has room. */
  readonly pausedSenders: Set<MemberLink>;
}

/**
 * The parent's side of the bus: routes messages between members, without decoding their values.
 *
 * Notes. Each member has a pipe that belongs to the parent: what a dead process had not read is read by the next. A
 * member that does not read has what is for it wait in the parent, up to a high-water mark; then nothing is read from
 * those who go on sending to it, and their own `send` says no. One process of a member reads at a time.
 */
export class BusHub {
  readonly #links = new Map<string, MemberLink>();
  #undelivered = 0;

  /** Messages that could not be delivered. */
  get undelivered(): number {
    return this.#undelivered;
  }

  /** The descriptor of a member's end; its link is made when it is first asked for. Throws `SystemCallError`. */
  descriptor(member: Member): number {
    let link = this.#links.get(member.name);
    if (link === undefined) {
      const ends = createPipe();
      const onBadDatagram = (error: Error) => this.#rejectMessage(member, error);
      const channel = openPipe(ends.left, { codec: busCodec(), onBadDatagram });
      link = { member, ends, channel, pausedSenders: new Set() };
      this.#links.set(member.name, link);
      this.#listen(link);
    }
    return link.ends.right;
  }

  /**
   * The processes of a member have changed: when one is left, it is the reader. Those that have detached themselves had
   * stopped reading before they said so.
   */
  changed(member: Member): void {
    if (member.awaitedPids.length === 0) member.sendControl({ type: 'bus-open' });
  }

  /** The member has left; what waits for it is given up. */
  remove(member: Member): void {
    const link = this.#links.get(member.name);
    if (link?.member !== member) return;
    this.#links.delete(member.name);
    link.channel.destroy();
    syscalls.close(link.ends.right);
    this.#release(link);
  }

  close(): void {
    for (const { member } of [...this.#links.values()]) this.remove(member);
  }

  #listen(link: MemberLink): void {
    link.channel.on('drain', () => this.#release(link));
    link.channel.on('badMessage', (error) => this.#rejectMessage(link.member, error as Error));
    link.channel.on('message', (message) => this.#route(link, message));
    // The processes keep this one alive, not the links between them.
    link.channel.unref();
  }

  #route(from: MemberLink, { name, value }: BusMessage): void {
    const to = this.#links.get(name);
    if (to === undefined || !to.member.wanted) {
      this.#undelivered++;
      from.member.sendControl({ type: 'undelivered', to: name });
      return;
    }
    const more = this.#send(to, { name: from.member.name, value });
    if (more || to.pausedSenders.has(from)) return;
    to.pausedSenders.add(from);
    from.channel.pause();
  }

  /** True as well when the message is not taken: the other's channel is over, or it does not read and too much waits for it. */
  #send(to: MemberLink, message: BusMessage): boolean {
    try {
      const more = to.channel.send(message);
      if (more === undefined) this.#undelivered++;
      return more !== false;
    } catch (error) {
      if ((error as { code?: unknown }).code !== 'ERR_MILLRACE_CHANNEL_FULL') throw error;
      this.#undelivered++;
      return true;
    }
  }

  /** It is the fault of one member: the others' messages are passed on. */
  #rejectMessage({ name }: Member, error: Error): void {
    this.#undelivered++;
    process.emitWarning(
      `What the member ${name} sends on the bus makes no sense, and is dropped: ${error.message}`,
      {
        code: 'MILLRACE_BAD_MESSAGE',
      },
    );
  }

  #release(link: MemberLink): void {
    for (const sender of link.pausedSenders) sender.channel.resume();
    link.pausedSenders.clear();
  }
}
