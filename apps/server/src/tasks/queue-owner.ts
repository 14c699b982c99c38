import { randomBytes } from 'node:crypto';
import { syscalls } from '@millrace/native/syscalls';
import type { QueueAddress } from '@millrace/task-pool';
import { type LargeValueFiles, ownQueue, TaskQueue } from '@millrace/task-pool/internal';
import type { RoleContext } from '../process/role-context.js';
import { isEmpty, OWN, QUEUED } from './task-files.js';

/** Bytes of what tells a run of the server from others. */
const RUN_BYTES = 8;

/**
 * The master's part in a queue of the system that carries tasks: that no other server uses it, that it can be had, and
 * that files which none of its messages names are removed.
 */
export class QueueOwner {
  /** Which run of the server this is, in the queue's messages. */
  readonly run = randomBytes(RUN_BYTES).toString('hex');
  readonly #address: QueueAddress;
  readonly #files: LargeValueFiles;
  readonly #owner: number;
  #closed = false;

  /**
   * Throws `ERR_MILLRACE_TASK_QUEUE` while another server uses the queue, and `QueueError` for one that this user may not
   * open, or that a limit of the system is in the way of.
   */
  constructor(address: QueueAddress, files: LargeValueFiles, { options }: Pick<RoleContext, 'options'>) {
    this.#address = address;
    this.#files = files;
    this.#owner = ownQueue(address);
    try {
      // A process that is to run as another user makes it itself, so that it is that user's.
      if (options.user === undefined && options.group === undefined) this.#make();
      this.#idleReaper();
    } catch (error) {
      syscalls.close(this.#owner);
      throw error;
    }
  }

  /** What is in the queue stays there, with its files. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    try {
      this.#idleReaper();
      this.#files.removeEmpty();
    } finally {
      syscalls.close(this.#owner);
    }
  }

  #make(): void {
    new TaskQueue(this.#address, { files: this.#files, run: this.run, askers: 0 }).close();
  }

  /** Files of dead processes; other programs may have put some there that they are about to post. */
  #idleReaper(): void {
    this.#files.removeOf(OWN);
    if (isEmpty(this.#address)) this.#files.removeOf(QUEUED);
  }
}
