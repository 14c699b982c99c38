import { unlinkSync } from 'node:fs';
import { dirname } from 'node:path';
import { PrivateDirectory } from '@millrace/native/internal';
import { Listener } from '@millrace/reactor';
import { ADMIN_SOCKET, ADMIN_TCP_SOCKET } from '../admin/admin-assignment.js';
import { adminDirectory, claimPath, socketPath } from '../admin/places.js';
import { ServerError } from '../errors.js';
import type { Descriptors } from '../links/descriptor-names.js';
import type { ResolvedAdmin } from '../options/admin-options.js';
import { takeTokenHash } from './admin-token.js';
import { PidFile, PidFileTakenError } from './pid-file.js';

/** So many servers may have one name with a number behind it. */
const MOST_OF_A_NAME = 1_000;
/** Clients that the kernel lets wait while the admin process is replaced. */
const BACKLOG = 64;

/**
 * The name of a server, and the sockets that it is asked by. The master binds them and keeps them, so they are there while the admin
 * process is replaced: a client that comes meanwhile waits, and is answered by the next.
 *
 * The directory is made for this user alone, or is used when it is this user's alone already; nothing else is in it. A file with the
 * master's pid is the claim on the name: it tells a server that runs from one that was killed, whose socket is taken away.
 */
export class AdminSockets {
  readonly name: string;
  readonly path: string;
  readonly tokenHash: string | undefined;
  readonly #claim: PidFile;
  #unix: Listener | undefined;
  #tcp: Listener | undefined;

  /** Throws `ERR_MILLRACE_ADMIN` and `ERR_MILLRACE_NAME_TAKEN`. */
  constructor(options: ResolvedAdmin) {
    const directory = adminDirectory();
    makeDirectory(directory);
    const { name, claim } = claimName(options, directory);
    this.name = name;
    this.path = socketPath(name, directory);
    this.#claim = claim;
    try {
      // Of a server that was killed: an admin process of it may have it open for a moment still, but not the name.
      removeIfThere(this.path);
      this.#unix = new Listener({ path: this.path, permissions: 0o600, backlog: BACKLOG });
      if (options.port === undefined) return;
      this.tokenHash = takeTokenHash(options);
      this.#tcp = new Listener({ host: options.host, port: options.port, backlog: BACKLOG });
    } catch (cause) {
      this.close();
      if (cause instanceof ServerError) throw cause;
      throw cannot((cause as Error).message, cause);
    }
  }

  /** What the admin process accepts from. */
  get descriptors(): Descriptors {
    return {
      ...(this.#unix && { [ADMIN_SOCKET]: this.#unix.fd }),
      ...(this.#tcp && { [ADMIN_TCP_SOCKET]: this.#tcp.fd }),
    };
  }

  /** Where TCP is listened on. */
  get address(): { readonly host: string; readonly port: number } | undefined {
    return this.#tcp?.address;
  }

  /** Clients are let in no more; idempotent. */
  close(): void {
    this.#unix?.close();
    this.#tcp?.close();
    this.#unix = undefined;
    this.#tcp = undefined;
    this.#claim.remove();
  }
}

function makeDirectory(path: string): void {
  try {
    // In what others may write, they may give what is made here another name, or another directory this one.
    const parent = dirname(path);
    if (!PrivateDirectory.keepsNames(parent))
      throw new TypeError(
        `others may rename what is in ${parent}: name a directory elsewhere by MILLRACE_RUNTIME_DIR`,
      );
    const directory = new PrivateDirectory(path);
    directory.make();
    directory.close();
  } catch (cause) {
    throw cannot((cause as Error).message, cause);
  }
}

function claimName(
  { name: wanted, optional }: ResolvedAdmin,
  directory: string,
): { readonly name: string; readonly claim: PidFile } {
  for (let number = 1; ; number++) {
    const name = number === 1 ? wanted : `${wanted}-${number}`;
    const claim = new PidFile(claimPath(name, directory));
    try {
      claim.make();
      return { name, claim };
    } catch (cause) {
      if (!(cause instanceof PidFileTakenError)) throw cannot((cause as Error).message, cause);
      if (optional && number < MOST_OF_A_NAME) continue;
      const message = `A server with the name '${wanted}' runs already: process ${cause.pid}. Stop it first, or give this one another name.`;
      throw new ServerError('ERR_MILLRACE_NAME_TAKEN', message);
    }
  }
}

function cannot(why: string, cause: unknown): ServerError {
  return new ServerError('ERR_MILLRACE_ADMIN', `The admin interface cannot be opened: ${why}`, { cause });
}

function removeIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
