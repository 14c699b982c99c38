import { Registry } from '@millrace/metrics';
import { joinFamilies, type MetricFamily } from '@millrace/metrics/text';
import { NUMBERS } from '../links/descriptor-names.js';

/**
 * The registries that the processes of the server count in, the server's own first, then those of its program, read in their memory.
 * What is in the way of that is told once, on standard error of the server, and left out.
 */
export class Registries {
  readonly #registries: ReadonlyMap<string, Registry>;
  readonly #told = new Set<string>();

  /** `find`: the descriptors by their names. */
  constructor(names: readonly string[], find: (name: string) => number) {
    this.#registries = new Map(
      names.flatMap((name) => {
        try {
          return [[name, Registry.fromDescriptor(find(name), { onLost: tell })] as const];
        } catch (error) {
          // Of a version of the package with another layout, which its processes read all the same.
          tell(error as Error);
          return [];
        }
      }),
    );
  }

  /** What the server itself has counted. */
  ofServer(): readonly MetricFamily[] {
    return this.#registries.get(NUMBERS)?.counted() ?? [];
  }

  /**
   * These families, `ofServer`, and those of the program. A name of the server's is the server's: under it the program's of another type are
   * left out.
   */
  joinedTo(families: readonly MetricFamily[], ofServer: readonly MetricFamily[]): readonly MetricFamily[] {
    let all = this.#join(families, ofServer);
    for (const [name, registry] of this.#registries)
      if (name !== NUMBERS) all = this.#join(all, registry.counted());
    return all;
  }

  #join(all: readonly MetricFamily[], more: readonly MetricFamily[]): readonly MetricFamily[] {
    return joinFamilies(all, more, (error) => this.#tellOnce(error));
  }

  #tellOnce(error: Error): void {
    if (this.#told.has(error.message)) return;
    this.#told.add(error.message);
    tell(error);
  }
}

function tell(error: Error): void {
  console.error('millrace: admin: metrics of the program:', error.message);
}
