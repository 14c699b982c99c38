/**
 * Our own keys in Redis; BullMQ's are `prefix:queue:…`. The braces keep the keys of a queue in one slot of a cluster.
 *
 *   {millrace:QUEUE}:replies:CALLER   stream     what hosts say to a caller; expires when the caller is gone
 *   {millrace:QUEUE}:cancel:ID        string     the caller of a running task wants no answer; expires
 *   {millrace:QUEUE}:hosts            hash       what each host reported last, and when
 *   {millrace:QUEUE}:hosts            channel    cancellations, to all hosts
 *   {millrace:QUEUE}:host:HOST        channel    credit for streams, to one
 */
export class Keys {
  readonly hosts: string;
  readonly #base: string;

  constructor(queue: string) {
    this.#base = `{millrace:${queue}}`;
    this.hosts = `${this.#base}:hosts`;
  }

  replies(caller: string): string {
    return `${this.#base}:replies:${caller}`;
  }

  cancel(id: string): string {
    return `${this.#base}:cancel:${id}`;
  }

  host(host: string): string {
    return `${this.#base}:host:${host}`;
  }
}
