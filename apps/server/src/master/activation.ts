import { ServerError } from '../errors.js';

/** The first descriptor that systemd hands over; the others follow. */
const FIRST = 3;

/**
 * The sockets that systemd, or a program that does as it does, hands to a program that it starts: `LISTEN_FDS` says how many,
 * `LISTEN_FDNAMES` what they are called, `LISTEN_PID` for which process. What that process starts must not take them
 * for its own, so the variables are taken out of the environment.
 */
export class ActivatedSockets {
  readonly #free: { readonly name: string; readonly fd: number }[] = [];
  /** What there was, as messages say it. */
  readonly #found: string;

  constructor(environment: NodeJS.ProcessEnv = process.env, pid: number = process.pid) {
    const { LISTEN_FDS: count, LISTEN_PID: forPid, LISTEN_FDNAMES: names = '' } = environment;
    this.#found = `LISTEN_FDS is ${count ?? 'not set'}, LISTEN_PID ${forPid ?? 'not set'} (this process is ${pid}), LISTEN_FDNAMES '${names}'`;
    if (count === undefined || Number(forPid) !== pid) return;
    delete environment.LISTEN_FDS;
    delete environment.LISTEN_PID;
    delete environment.LISTEN_FDNAMES;
    const list = names.split(':');
    for (let i = 0; i < Number(count); i++) this.#free.push({ name: list[i] || 'unknown', fd: FIRST + i });
  }

  /** The next descriptor of that name. Throws `ERR_MILLRACE_LISTEN`. */
  take(name: string): number {
    const at = this.#free.findIndex((socket) => socket.name === name);
    const [taken] = at < 0 ? [] : this.#free.splice(at, 1);
    if (taken) return taken.fd;
    throw new ServerError(
      'ERR_MILLRACE_LISTEN',
      `No socket, or no further one, has been handed over under the name '${name}': ${this.#found}. ` +
        `Start the program by its socket unit, with FileDescriptorName=${name} in there.`,
    );
  }
}
