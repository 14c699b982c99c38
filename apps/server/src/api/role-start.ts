import type { ChildProcessContext } from '@millrace/process-pool';
import type { AheadProcesses } from '@millrace/process-pool/internal';
import type { Daemon } from '@millrace/process-pool/process';
import type { RoleAssignment } from '../contract/role.js';
import { openDiagnosis } from '../diagnosis/open-diagnosis.js';
import { shownAt } from '../errors.js';
import { LOG_RING, NUMBERS } from '../links/descriptor-names.js';
import { openLogRing } from '../links/shared-resources.js';
import type { ProcessLog } from '../log/log.js';
import { LOG_FILE, takeLogFile } from '../log/log-files.js';
import { OUTPUT_PIPES } from '../log/output-pipes.js';
import type { ProcessMessages } from '../messages/process-messages.js';
import { shareRegistry } from '../metrics/program-registries.js';
import { ServerRegistry } from '../metrics/server-registry.js';
import { assertSamePlan } from '../options/server-plan.js';
import { tieToTest } from '../options/under-test.js';
import { applyIdentity } from '../process/identity.js';
import { LostLines } from '../process/lost-lines.js';
import type { ProcessTimers } from '../process/process-timers.js';
import { membersAhead, startManagerAhead } from '../process/processes-ahead.js';
import type { ProgramVersion } from '../process/program-version.js';
import { RoleContext } from '../process/role-context.js';
import { spawnArguments } from '../process/spawn-arguments.js';
import { outliveLostOutput } from '../process/standard-streams.js';
import { failureText } from '../programs/failure-text.js';
import type { UserFunctions } from '../reactor/reactor-context.js';
import { loadRole, type TakenRole, type TakeRole } from './load-role.js';
import type { Registrations } from './registrations.js';
import type { ServerStarts } from './server-starts.js';
import type { SharedTables } from './shared-tables.js';

/** What the program has said, or in a service process what that was told of it. */
export type Registered = Pick<
  Registrations,
  'options' | 'handlers' | 'ports' | 'isLean' | 'topology' | 'userProcesses' | 'plan' | 'served' | 'of'
> & { readonly tables: Pick<SharedTables, 'reads' | 'descriptors'> };

export interface RoleStartParts {
  /** Undefined in the master. */
  readonly child: ChildProcessContext | undefined;
  readonly assignment: RoleAssignment;
  readonly registered: Registered;
  readonly processLog: ProcessLog;
  readonly messages: ProcessMessages;
  readonly timers: ProcessTimers;
  readonly starts: ServerStarts;
  readonly program: ProgramVersion | undefined;
}

/** How a process takes its role: what it needs is loaded, it becomes who it is to be, then the role begins. */
export class RoleStart {
  readonly #parts: RoleStartParts;
  #daemon: Daemon | undefined;
  #role: TakenRole | undefined;
  /** The manager's process, in the master. */
  #ahead: AheadProcesses | undefined;

  constructor(parts: RoleStartParts) {
    this.#parts = parts;
  }

  /** Makes the role, which does nothing yet. */
  async take(): Promise<TakenRole> {
    const { child, assignment, registered, processLog, messages, timers, starts } = this.#parts;
    const { options } = registered;
    const { role } = assignment;
    const isCaptured = child?.descriptors.has(OUTPUT_PIPES) === true;
    outliveLostOutput((name, error) => processLog.outputLost(name, error), isCaptured);
    if (role === 'master') {
      tieToTest();
      await this.#startAhead();
    }
    const makeRole = await this.#loadRole();
    // The same for its log: whatever is to be loaded is not below a new root directory. And a process that accepts clients cannot
    // open a file any more when it has to say that they have taken all descriptors; the master loads it when they come in.
    const accepts = role === 'worker' && options.mode === 'base';
    // Who becomes another user may not be able to read the modules that the log takes.
    const { user, group, chroot } = options;
    const isOther = user !== undefined || group !== undefined || chroot !== undefined;
    if (isOther || accepts) processLog.load();
    try {
      assertSamePlan(registered.plan, assignment.plan);
      const functions = await this.#importFunctions();
      this.#daemon = await applyIdentity(options, role);
      const logFiles = child?.descriptors.get(LOG_FILE);
      if (logFiles !== undefined) processLog.openBy(() => takeLogFile(logFiles));
      const ring = child?.descriptors.get(LOG_RING);
      if (ring !== undefined) processLog.keepIn(openLogRing(ring));
      const { ports, handlers, topology, userProcesses, tables, plan } = registered;
      const failedStarts = starts.failed;
      const numbers = new ServerRegistry(child?.descriptors.get(NUMBERS), (error) =>
        processLog.log.warn({ err: error }, 'a number of the server is not counted'),
      );
      processLog.onError((error) => numbers.error(error));
      const diagnosis = openDiagnosis(assignment, topology, (descriptor) => this.#find(descriptor));
      const context = new RoleContext({
        options,
        ports,
        handlers,
        portHandlers: registered,
        processLog,
        messages,
        timers,
        numbers,
        tables,
        diagnosis,
        plan,
        failedStarts,
        program: this.#parts.program,
      });
      this.#role = makeRole({
        context,
        topology,
        assignment,
        child,
        userProcesses,
        tables: tables.descriptors,
        served: registered.served,
        functions,
        ahead: role === 'manager' ? membersAhead() : this.#ahead,
      });
      if (child) messages.open({ borrowed: false, descriptor: (name) => child.descriptor(name) });
      return this.#role;
    } catch (error) {
      await this.#ahead?.close();
      throw this.#failed(error);
    }
  }

  /** Has the role begin; resolves when the process does its work. */
  async run(role: TakenRole): Promise<void> {
    const { child, processLog, messages, registered, starts } = this.#parts;
    try {
      const lost = new LostLines(registered.topology, (name) => this.#find(name));
      if (child) processLog.countBy((lines) => lost.add(lines));
      if (child?.waits) messages.prepare();
      await child?.begun();
      await role.start();
      // The master has made the counters by now.
      if (child === undefined) processLog.countBy((lines) => lost.add(lines));
      messages.start();
    } catch (error) {
      await this.#ahead?.close();
      throw this.#failed(error);
    }
    starts.succeeded();
    this.#daemon?.ready();
  }

  /** In the master, which loads its own role while the manager's process boots. */
  async #startAhead(): Promise<void> {
    const { options, ports, topology, handlers } = this.#parts.registered;
    // A program that is run says where it is; this one is its own. The processes find it by their environment.
    if (options.admin !== undefined && !ports.some(({ late }) => late))
      await shareRegistry(spawnArguments(options).entry);
    this.#ahead = startManagerAhead(options, topology, handlers);
  }

  async #loadRole(): Promise<TakeRole> {
    const { assignment, registered } = this.#parts;
    try {
      return await loadRole(assignment.role, registered.options, registered.ports, registered.isLean);
    } catch (error) {
      await this.#ahead?.close();
      throw error;
    }
  }

  /** A descriptor of what processes share; undefined where there is none, or not yet. */
  #find(name: string): number | undefined {
    const { child } = this.#parts;
    if (child) return child.descriptors.get(name);
    return this.#role?.name === 'master' ? this.#role.resources[name] : undefined;
  }

  #failed(error: unknown): unknown {
    this.#daemon?.failed(failureText(shownAt(error, '')));
    this.#parts.starts.fail(error);
    return error;
  }

  /** A worker of base mode imports the framings of its listeners while it has the root directory where their modules are. */
  async #importFunctions(): Promise<UserFunctions | undefined> {
    const { assignment, registered } = this.#parts;
    if (assignment.role !== 'worker' || registered.options.mode !== 'base') return undefined;
    const { importUserFunctions } = await import('../reactor/user-functions.js');
    return importUserFunctions(registered.ports, undefined);
  }
}
