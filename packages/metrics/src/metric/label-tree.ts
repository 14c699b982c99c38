import { shown } from '@millrace/channel/errors';
import { MetricsError } from '../errors.js';

/** Labels of one series, by name; one that is absent is as one that is empty. */
export type LabelValues<T extends string> = Partial<Record<T, string | number>>;

/** Characters of a label's value at most. */
export const MOST_LABEL_CHARACTERS = 1_024;

type Node<Child> = Map<unknown, Node<Child> | Child>;

/**
 * What this thread has for each set of labels that it has used: a map of values for each label, so that a set is found
 * without making a string of it. Only what is a series is kept here, so it is bounded as these are.
 */
export class LabelTree<Child> {
  readonly #labelNames: readonly string[];
  readonly #metric: string;
  readonly #byKey = new Map<string, Child>();
  /** Of a metric without labels its one child. */
  #root: Node<Child> | Child | undefined;

  constructor(metric: string, labelNames: readonly string[]) {
    this.#metric = metric;
    this.#labelNames = labelNames;
    if (labelNames.length > 0) this.#root = new Map();
  }

  /** The quick way: undefined for what is not known, or is given in another way than before. */
  find(labels: Readonly<Record<string, unknown>>): Child | undefined {
    const names = this.#labelNames;
    let given = 0;
    for (const _ in labels) given++;
    // A label too many or too few: `valuesOf` says which.
    if (given !== names.length) return undefined;
    let node = this.#root;
    for (let i = 0; i < names.length; i++) {
      node = (node as Node<Child>).get(labels[names[i] as string]);
      if (node === undefined) return undefined;
    }
    return node as Child;
  }

  /** Whether a child is there for these values, and under which key it would be. */
  byKey(key: string): Child | undefined {
    return this.#byKey.get(key);
  }

  /** Keeps a child for labels as they were given. */
  keep(labels: Readonly<Record<string, unknown>>, key: string, child: Child): void {
    this.#byKey.set(key, child);
    const names = this.#labelNames;
    if (names.length === 0) this.#root = child;
    // Only as many as `find` looks for.
    if (names.length === 0 || names.some((name) => labels[name] === undefined || labels[name] === null))
      return;
    let node = this.#root as Node<Child>;
    for (let i = 0; i < names.length - 1; i++) {
      const value = labels[names[i] as string];
      const next = (node.get(value) as Node<Child> | undefined) ?? new Map();
      node.set(value, next);
      node = next;
    }
    node.set(labels[names.at(-1) as string], child);
  }

  /**
   * The values in the order of the label names, '' for one that is absent. Throws `ERR_MILLRACE_METRICS_LABELS` for labels that the
   * metric has not, and for what is no text nor number. Undefined when a value is too long.
   */
  valuesOf(labels: Readonly<Record<string, unknown>>): string[] | undefined {
    for (const name in labels) if (!this.#labelNames.includes(name)) this.#refuse(name);
    const values = this.#labelNames.map((name) => this.#text(name, labels[name]));
    return values.some((value) => value.length > MOST_LABEL_CHARACTERS) ? undefined : values;
  }

  /** Labels by name from what `labels(...)` was given: an object, or the values in order. */
  labelsFrom(args: readonly unknown[]): Readonly<Record<string, unknown>> {
    const [first] = args;
    if (typeof first === 'object' && first !== null) return first as Readonly<Record<string, unknown>>;
    if (args.length === this.#labelNames.length)
      return Object.fromEntries(this.#labelNames.map((name, i) => [name, args[i]]));
    throw new MetricsError(
      'ERR_MILLRACE_METRICS_LABELS',
      `${args.length} values for the ${this.#labelNames.length} labels of ${this.#metric} (${this.#labelNames.join(', ')}): as many are needed.`,
      { value: args.length, limit: this.#labelNames.length },
    );
  }

  #text(name: string, value: unknown): string {
    switch (typeof value) {
      case 'string':
        // A lone surrogate is no UTF-8, which a page is in.
        return Buffer.from(value).toString();
      case 'number':
      case 'boolean':
      case 'bigint':
        return String(value);
      default:
        if (value === undefined || value === null) return '';
        throw new MetricsError(
          'ERR_MILLRACE_METRICS_LABELS',
          `The label ${name} of ${this.#metric} is ${shown(value)}: a text or a number is needed.`,
          { value },
        );
    }
  }

  #refuse(name: string): never {
    throw new MetricsError(
      'ERR_MILLRACE_METRICS_LABELS',
      `${this.#metric} has no label ${shown(name)}; there are: ${this.#labelNames.join(', ') || 'none'}.`,
      { value: name },
    );
  }
}
