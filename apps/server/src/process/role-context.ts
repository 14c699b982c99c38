import type { SharedTables } from '../api/shared-tables.js';
import type { Handlers, PortEvents, ServerEvents } from '../contract/events.js';
import type { ListenerIndex, ProcessRole, Unchecked } from '../contract/ids.js';
import type { ServerPlan } from '../contract/role.js';
import type { FailedStart } from '../contract/start-failure.js';
import type { Diagnosis } from '../diagnosis/diagnosis.js';
import type { Logger, ProcessLog } from '../log/log.js';
import type { ProcessMessages } from '../messages/process-messages.js';
import { roleLabel } from '../metrics/process-usage.js';
import type { ServerRegistry } from '../metrics/server-registry.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import type { ResolvedPort } from '../options/resolved-port.js';
import type { LoopListener } from './heartbeat.js';
import type { ProcessTimers } from './process-timers.js';
import type { ProgramVersion } from './program-version.js';

export interface RoleContextParts {
  readonly options: ResolvedOptions;
  /** All listeners, the server's own first. */
  readonly ports: readonly ResolvedPort[];
  readonly handlers: Handlers<ServerEvents>;
  /** The handlers of each listener: its own, and the server's where it has none. */
  readonly portHandlers: { of(listener: Unchecked<ListenerIndex>): Handlers<PortEvents> };
  readonly processLog: ProcessLog;
  readonly messages: ProcessMessages;
  readonly timers: ProcessTimers;
  /** What the server counts with labels. */
  readonly numbers: ServerRegistry;
  /** The user's, as this process has read them. */
  readonly tables: Pick<SharedTables, 'reads'>;
  readonly diagnosis: Diagnosis;
  /** What every process of the server has to come to. */
  readonly plan: ServerPlan;
  /** The starts of the program that failed before this one. */
  readonly failedStarts: readonly FailedStart[];
  /** Where the server runs a program. */
  readonly program: ProgramVersion | undefined;
}

/** What every role is given: what the program has said before `start`, and what each process of a server has. */
export class RoleContext implements RoleContextParts {
  readonly options: ResolvedOptions;
  readonly ports: readonly ResolvedPort[];
  readonly handlers: Handlers<ServerEvents>;
  readonly portHandlers: { of(listener: Unchecked<ListenerIndex>): Handlers<PortEvents> };
  readonly processLog: ProcessLog;
  readonly messages: ProcessMessages;
  readonly timers: ProcessTimers;
  readonly numbers: ServerRegistry;
  readonly tables: Pick<SharedTables, 'reads'>;
  readonly diagnosis: Diagnosis;
  readonly plan: ServerPlan;
  readonly failedStarts: readonly FailedStart[];
  readonly program: ProgramVersion | undefined;

  constructor(parts: RoleContextParts) {
    this.options = parts.options;
    this.ports = parts.ports;
    this.handlers = parts.handlers;
    this.portHandlers = parts.portHandlers;
    this.processLog = parts.processLog;
    this.messages = parts.messages;
    this.timers = parts.timers;
    this.numbers = parts.numbers;
    this.tables = parts.tables;
    this.diagnosis = parts.diagnosis;
    this.plan = parts.plan;
    this.failedStarts = parts.failedStarts;
    this.program = parts.program;
  }

  /** What is counted of the loop of this process, and as often as that beats. */
  loop(role: ProcessRole, id: number): LoopListener {
    const { numbers, tables } = this;
    const delay = numbers.loopDelay(roleLabel(role), id);
    return {
      late: (seconds) => delay.observe(seconds),
      beats: () => {
        for (const { name, hits, misses } of tables.reads()) numbers.tableReads(name, hits, misses);
      },
    };
  }

  /** Loaded at its first line: most processes never write one. */
  get log(): Logger {
    return this.processLog.log;
  }
}
