import { SERVICE_OPTIONS, type Service, type ServiceAssignment } from '../contract/service.js';
import type { Topology } from '../links/topology.js';
import { pick } from '../options/given.js';
import type { ResolvedOptions } from '../options/resolve-options.js';

/** The service processes that the options ask for, in their order. */
export function servicesOf({
  bus,
  taskEngine,
  taskWorkerNum,
}: Pick<ResolvedOptions, 'bus' | 'taskEngine' | 'taskWorkerNum'>): Service[] {
  return [
    ...(bus === undefined ? [] : [{ name: 'bus', bus } as const]),
    // Without task workers this server only asks for tasks, and each of its processes does that for itself.
    ...(taskEngine === undefined || taskWorkerNum === 0
      ? []
      : [{ name: 'task broker', engine: taskEngine.name, host: taskEngine.host } as const]),
  ];
}

/** The modules that a service loads. */
export function modulesOf(service: Service): readonly string[] {
  return service.name === 'bus' ? [service.bus.module] : [service.host.module, ...service.host.loads];
}

/** What the manager tells the service process of that number. */
export function serviceAssignment(
  options: ResolvedOptions,
  topology: Topology,
  id: number,
): ServiceAssignment {
  return {
    service: servicesOf(options)[id] as Service,
    options: pick(options, SERVICE_OPTIONS),
    topology,
  };
}
