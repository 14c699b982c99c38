import type { MetricFamily, SampleLabels } from './family.js';
import {
  familyHead,
  numberText,
  OPENMETRICS_CONTENT_TYPE,
  PROMETHEUS_CONTENT_TYPE,
  type RenderOptions,
  sampleHead,
} from './format.js';

const NO_LABELS: SampleLabels = {};

/** A family as it was on the page last. */
interface KeptFamily {
  readonly help: string;
  readonly type: MetricFamily['type'];
  readonly head: string;
  readonly lines: KeptLine[];
}

interface KeptLine {
  readonly suffix: string | undefined;
  readonly labels: SampleLabels;
  /** Up to the number. */
  readonly head: string;
}

/**
 * A page that is made again and again, as of a server that is scraped: what is as it was the last time is not written anew, which is all
 * but the numbers most times. The same text as of {@link renderFamilies}.
 *
 * ```ts
 * const page = new MetricsPage();
 * setInterval(() => publish(page.render(families())), 1_000);
 * ```
 */
export class MetricsPage {
  readonly #open: boolean;
  readonly #defaultLabels: SampleLabels;
  #kept = new Map<string, KeptFamily>();

  constructor({ contentType = PROMETHEUS_CONTENT_TYPE, defaultLabels = {} }: RenderOptions = {}) {
    this.#open = contentType === OPENMETRICS_CONTENT_TYPE;
    this.#defaultLabels = { ...defaultLabels };
  }

  /** A labels object that has been on a page is not changed afterwards: one that is the same object is taken to have the same labels. */
  render(families: Iterable<MetricFamily>): string {
    const last = this.#kept;
    const kept = new Map<string, KeptFamily>();
    let page = '';
    for (const family of families) {
      const { name, samples } = family;
      const known = this.#family(family, last.get(name));
      kept.set(name, known);
      page += known.head;
      for (let i = 0; i < samples.length; i++)
        page += `${this.#line(family, known.lines, i).head}${numberText(samples[i]?.value as number)}\n`;
      known.lines.length = samples.length;
    }
    // Those that are not on this page are forgotten.
    this.#kept = kept;
    return this.#open ? `${page}# EOF\n` : page;
  }

  #family(family: MetricFamily, known: KeptFamily | undefined): KeptFamily {
    const { help, type } = family;
    if (known?.help === help && known.type === type) return known;
    return { help, type, head: familyHead(family, this.#open), lines: [] };
  }

  #line(family: MetricFamily, lines: KeptLine[], index: number): KeptLine {
    const sample = family.samples[index] as MetricFamily['samples'][number];
    const { suffix, labels = NO_LABELS } = sample;
    const known = lines[index];
    if (known !== undefined && known.suffix === suffix && haveSameLabels(known.labels, labels)) return known;
    const line = { suffix, labels, head: sampleHead(family, sample, this.#defaultLabels, this.#open) };
    lines[index] = line;
    return line;
  }
}

function haveSameLabels(a: SampleLabels, b: SampleLabels): boolean {
  if (a === b) return true;
  let left = 0;
  for (const name in a) {
    if (a[name] !== b[name]) return false;
    left++;
  }
  for (const _ in b) left--;
  return left === 0;
}
