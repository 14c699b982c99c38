import type { Member, ReloadResult as PoolReloadResult, ProcessPool } from '@millrace/process-pool';
import { MergingQueue } from '@millrace/process-pool/internal';
import type { FromManager } from '../contract/control-messages.js';
import { runInOrder } from '../contract/events.js';
import type { PeerId, RoleName } from '../contract/ids.js';
import type { ReloadOptions, ReloadResult } from '../contract/reload.js';
import type { RoleContext } from '../process/role-context.js';
import { untilSettled } from '../process/settling.js';
import type { Members } from './members.js';

/** What a reload replaces; user processes stay. */
const RELOADED: readonly RoleName[] = ['worker', 'taskWorker'];

export interface ReplacementsParts {
  readonly context: RoleContext;
  readonly pool: ProcessPool;
  readonly members: Members;
  /** Has clients to come get the certificates that the files hold now. */
  readonly reloadCertificates: () => void;
  readonly tellMaster: (message: FromManager) => void;
}

/** Reloads, and the replacement of one process: one after the other, once the first processes are there. */
export class Replacements {
  readonly #parts: ReplacementsParts;
  #open: () => void = () => {};
  #last: Promise<unknown> = new Promise<void>((resolve) => {
    this.#open = resolve;
  });
  #closed = false;
  readonly #reloads = new MergingQueue<ReloadOptions, ReloadResult>(
    {
      run: (options) => this.#reload(options),
      // One of all processes is one of the task workers as well.
      merge: (one, other) => ({ tasksOnly: Boolean(one.tasksOnly && other.tasksOnly) }),
      stopped: { outcome: 'stopped', replaced: 0 },
      overtaken: () => this.#reloading?.abort(),
    },
    'held',
  );
  /** Of the reload that runs: aborts when another request waits for its end. */
  #reloading: AbortController | undefined;
  /** The same of what was asked for last. */
  #latest: AbortController | undefined;

  constructor(parts: ReplacementsParts) {
    this.#parts = parts;
  }

  /** The processes are there. */
  open(): void {
    this.#open();
    this.#reloads.open();
  }

  /** The processes end: what is under way is the last. */
  close(): void {
    this.#closed = true;
    this.#reloads.close();
  }

  /** Puts new processes in the places of workers and task workers, one after the other. */
  reload(options: ReloadOptions): Promise<ReloadResult> {
    if (this.#reloads.waits)
      this.#parts.context.log.info('a reload is asked for; it follows what is under way');
    return this.#reloads.ask(options);
  }

  /** Puts a new process in the place of the one with that flat id, which finishes what it has. */
  async replace(id: PeerId): Promise<ReloadResult> {
    if (this.#closed) return { outcome: 'stopped', replaced: 0 };
    const { context, members } = this.#parts;
    const result = await this.#replace(() => {
      const member = members.byPeer(id);
      if (member !== undefined) context.log.info(`${member.name} is to be replaced`);
      return member === undefined ? [] : [member];
    });
    if (result.outcome === 'reloaded' && result.replaced === 0)
      return { outcome: 'failed', replaced: 0, advice: `There is no process ${id} to be replaced.` };
    if (result.outcome === 'failed') context.log.error(result.advice);
    return result;
  }

  async #reload({ tasksOnly = false }: ReloadOptions): Promise<ReloadResult> {
    const { context, members: all, reloadCertificates } = this.#parts;
    const { handlers, log } = context;
    const overtaking = new AbortController();
    this.#reloading = overtaking;
    const members = () => all.of(...(tasksOnly ? RELOADED.slice(1) : RELOADED));
    if (!tasksOnly) reloadCertificates();
    if (members().length === 0) {
      log.warn('there is nothing to reload: the server has no task workers');
      return { outcome: 'reloaded', replaced: 0 };
    }
    const before = runInOrder(handlers.get('beforeReload'));
    await this.#settled('beforeReload', 'the reload waits for it', before);
    log.info(
      { tasksOnly },
      `reloading ${members().length} ${members().length === 1 ? 'process' : 'processes'}`,
    );
    const result = await this.inTurn((overtaken) => this.#reloadAnew(members(), overtaken), overtaking);
    context.numbers.reloaded(result.outcome);
    if (result.outcome === 'failed') log.error(result.advice);
    else log.info(result, `reload: ${result.outcome}`);
    const after = runInOrder(handlers.get('afterReload'), result);
    await this.#settled('afterReload', 'the next reload waits for it', after);
    return result;
  }

  /** After whatever replaces processes already; which there are then, `choose` says. */
  #replace(choose: () => readonly Member[]): Promise<ReloadResult> {
    return this.inTurn((overtaken) => this.#putNew(choose(), overtaken));
  }

  /** By what the files of the program hold now; where that cannot be read, or does not come up, all others go by what was read before. */
  async #reloadAnew(members: readonly Member[], overtaken: AbortSignal): Promise<ReloadResult> {
    const { context, tellMaster } = this.#parts;
    const { program } = context;
    if (program === undefined) return this.#putNew(members, overtaken);
    try {
      await untilSettled(
        context,
        'reload',
        'the reload waits for it',
        program.readAnew(),
        () => 'the configuration of the program has not been read',
      );
    } catch (error) {
      const advice =
        `${/[.!?]$/.test((error as Error).message) ? (error as Error).message : `${(error as Error).message}.`} No process was replaced, ` +
        'and those that come go by what was read before. Mend it, and reload again.';
      return { outcome: 'failed', replaced: 0, advice };
    }
    const result = await this.#putNew(members, overtaken);
    if (result.outcome === 'reloaded') tellMaster({ type: 'programTaken', program: program.current });
    else program.takeBack();
    return result;
  }

  async #putNew(members: readonly Member[], overtaken: AbortSignal): Promise<ReloadResult> {
    if (members.length === 0) return { outcome: 'reloaded', replaced: 0 };
    const result = await this.#parts.pool.reload({ members, mode: 'reload', overtaken });
    return this.#toResult(result, members.length);
  }

  /**
   * Runs `work` after whatever replaces processes already, and before whatever is to replace some later. Its signal aborts when
   * something waits for its end: a process that does not come up must not hold that up for ever.
   */
  inTurn<T>(
    work: (overtaken: AbortSignal) => Promise<T>,
    overtaking: AbortController = new AbortController(),
  ): Promise<T> {
    this.#latest?.abort();
    this.#latest = overtaking;
    const done = this.#last.then(() => work(overtaking.signal));
    // The caller is told of a failure.
    this.#last = done.catch(() => {});
    return done;
  }

  #toResult(result: PoolReloadResult, wanted: number): ReloadResult {
    // A stop that comes in the middle leaves the others as they are.
    if (result.outcome === 'reloaded' && this.#closed && result.replaced < wanted)
      return { outcome: 'stopped', replaced: result.replaced };
    if (result.outcome !== 'failed') return result;
    const { outcome, replaced, advice } = result;
    return { outcome, replaced, advice };
  }

  async #settled(event: string, consequence: string, handlers: Promise<void>): Promise<void> {
    const { context } = this.#parts;
    await logFailure(context, event, untilSettled(context, event, consequence, handlers));
  }
}

/** What the user's handlers fail at must not end the manager, and every process with it. */
export async function logFailure(
  { log }: Pick<RoleContext, 'log'>,
  event: string,
  handlers: Promise<void>,
): Promise<void> {
  try {
    await handlers;
  } catch (error) {
    log.error({ err: error }, `a handler of ${event} has failed`);
  }
}
