/**
 * What a server that runs a program has read for it from files, variables and a configuration: the master at the start, the manager at a
 * reload. Each process is told when it is started, so one that comes in the place of a dead one runs what the others run, whatever the
 * files hold by then. JSON; undefined: the server runs no program.
 */
export class ProgramVersion {
  #current: unknown;
  #before: unknown;
  readonly #read: (current: unknown) => Promise<unknown>;

  /** `read` reads the files as they are now, and throws where they cannot be used. */
  constructor(current: unknown, read: (current: unknown) => Promise<unknown>) {
    this.#current = current;
    this.#before = current;
    this.#read = read;
  }

  get current(): unknown {
    return this.#current;
  }

  /** In the manager: has the processes that come run what the files hold now. Where it throws nothing has changed. */
  async readAnew(): Promise<void> {
    const read = await this.#read(this.#current);
    this.#before = this.#current;
    this.#current = read;
  }

  /** In the manager: no process serves by what was read last. */
  takeBack(): void {
    this.#current = this.#before;
  }

  /** In the master: the next manager begins with that. */
  taken(current: unknown): void {
    this.#current = current;
  }
}
