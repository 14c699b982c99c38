import { shown } from '@millrace/channel';
import type { ProcessId, RoleName } from '../contract/ids.js';
import { ServerError } from '../errors.js';
import { roleOfFlatId } from '../links/process-kinds.js';
import { idOfPeer, managerPeer } from '../links/topology.js';
import { type Command, type CommandOptions, Commands } from '../messages/commands.js';
import { ServerMessages } from './server-mail.js';

/** What a server does with commands: functions that one of its processes has another run. */
export abstract class ServerCommands extends ServerMessages {
  abstract readonly role: RoleName;
  /** Who this process is to the others. */
  protected abstract get processId(): ProcessId;
  /** Whether answers find their way to this process, and not to the one before it. */
  protected abstract get isReachable(): boolean;
  protected abstract assertNotStarted(method: string): void;

  protected readonly commands = new Commands({
    send: (frame, to) => this.messenger('command').sendCommand(frame, to),
    isOwn: (id) => id === this.processId,
    roleOf: (id) => this.#roleOf(id),
    onFault: (error, command) => this.log.error({ err: error, command }, 'a command cannot be answered'),
  });

  /**
   * Makes `handler` a command, for processes of the roles that `where` names. What it returns, or its promise, is the
   * answer. Commands are the same in every process: add them before `start`. Throws `ERR_MILLRACE_STARTED` and
   * `ERR_MILLRACE_OPTION`.
   */
  addCommand<R, V = undefined>(
    name: string,
    where: RoleName | readonly RoleName[],
    handler: (value: V) => R,
  ): Command<V, R> {
    this.assertNotStarted('addCommand');
    const roles = typeof where === 'string' ? [where] : where;
    this.commands.add(name, roles, handler as (value: unknown) => unknown);
    return {
      name,
      run: (target, ...[value, options]) => this.command(name, target, value, options) as Promise<Awaited<R>>,
    };
  }

  /**
   * Has another process, or this one, run a command, from any process of the server: a worker, task worker or user
   * process by its flat id, `'manager'` or `'master'`. Values and results are what msgpackr carries. Rejects with what the
   * handler throws there; with `ERR_MILLRACE_NO_COMMAND`, `ERR_MILLRACE_NO_PROCESS`, `ERR_MILLRACE_COMMAND_TIMEOUT` or the
   * signal's reason. A process that dies with the command in hand does not answer; one that dies before leaves it to
   * its replacement.
   */
  async command(
    name: string,
    target: ProcessId,
    value?: unknown,
    options?: CommandOptions,
  ): Promise<unknown> {
    if (target !== this.processId) {
      if (!this.isReachable) {
        const message = `The command '${name}' needs a started server; in a worker, one whose workerStart is over.`;
        throw new ServerError('ERR_MILLRACE_NOT_RUNNING', message);
      }
      this.messenger('command').start();
    }
    return this.commands.run(name, target, value, options);
  }

  #roleOf(id: ProcessId): RoleName {
    if (typeof id === 'string' && (id === 'master' || id === 'manager')) return id;
    const role = typeof id === 'number' ? roleOfFlatId(this.topology, id) : undefined;
    if (role) return role;
    throw noProcess(id, `0 to ${managerPeer(this.topology) - 1}, 'manager' and 'master'`);
  }

  /** Throws `ERR_MILLRACE_NO_PROCESS` for what is no flat id. */
  protected assertProcess(id: number): void {
    if (roleOfFlatId(this.topology, id) === undefined)
      throw noProcess(id, `0 to ${managerPeer(this.topology) - 1}`);
  }

  /** What peers are called. */
  protected idOfPeer(peer: number): ProcessId {
    return idOfPeer(this.topology, peer);
  }
}

function noProcess(id: unknown, are: string): ServerError {
  return new ServerError(
    'ERR_MILLRACE_NO_PROCESS',
    `There is no process ${shown(id)}: processes are ${are}.`,
  );
}
