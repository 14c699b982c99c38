import type { ChildProcessContext } from '@millrace/process-pool';
import type { PeerId } from '../contract/ids.js';
import type { RoleAssignment } from '../contract/role.js';
import type { ServiceAssignment } from '../contract/service.js';
import { flatId } from '../links/process-kinds.js';
import { PEER } from '../links/server-plan.js';
import { OpenedResources } from '../links/shared-resources.js';
import type { Topology } from '../links/topology.js';
import { hearOfTasks, type TaskNews } from '../process/asker-messages.js';
import { beat } from '../process/heartbeat.js';
import { ManagerLink } from '../process/manager-link.js';
import type { RoleContext } from '../process/role-context.js';
import { BusService } from './bus-service.js';
import { TaskBrokerService } from './task-broker-service.js';

/** What a service process does until it is to end. */
export interface RunningService extends TaskNews {
  /** Resolves when it does its work, or has to wait for its engine. */
  start(): Promise<void>;
  /** Ends in order. */
  stop(): Promise<void>;
}

/** Runs a service in a process of its own. */
export class ServiceRole {
  readonly name = 'service';
  readonly #context: RoleContext;
  readonly #child: ChildProcessContext;
  readonly #id: number;
  readonly #counters: Float64Array;
  readonly #link: ManagerLink;
  readonly #running: RunningService;
  #isEnding = false;

  constructor(context: RoleContext, child: ChildProcessContext, topology: Topology) {
    const assignment = child.data as RoleAssignment;
    const { service } = assignment.service as ServiceAssignment;
    this.#context = context;
    this.#child = child;
    this.#id = assignment.id;
    const peer = flatId('service', topology, assignment.id);
    const find = (name: string) => child.descriptor(name);
    this.#counters = new OpenedResources(topology, PEER, peer, find).counters().process(peer);
    this.#link = new ManagerLink(child, context);
    this.#running =
      service.name === 'bus'
        ? new BusService(context.messages, service.bus)
        : new TaskBrokerService({
            context,
            child,
            topology,
            peer,
            service,
            counters: this.#counters,
            replace: (replaced: PeerId) => this.#link.tell({ type: 'tasksCorrupt', peer: replaced }),
          });
    this.#link.listen({
      onStop: () => void this.#end(),
      onTerminate: () => void this.#end(),
      onSessionsLost: () => {},
      onMessage: (message) => hearOfTasks(message, this.#running, this.#link, context),
    });
  }

  async start(): Promise<void> {
    this.#link.tellStarted();
    beat(this.#counters, this.#context.loop('service', this.#id));
    await this.#running.start();
    if (!this.#isEnding) this.#child.ready();
  }

  async #end(): Promise<void> {
    if (this.#isEnding) return;
    this.#isEnding = true;
    await this.#running.stop();
    await this.#context.messages.flush();
    process.exit(0);
  }
}
