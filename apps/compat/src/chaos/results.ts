import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { KINDS } from './counts.js';

/** A scene and what it came to: numbers by name, those of requests under `counts`. */
export interface Scene extends Readonly<Record<string, unknown>> {
  readonly scene: string;
}

const SECTION = /^## /m;

/** Puts the results of one mode into a page, and leaves those of the others as they are. */
export function writeResults(
  file: string,
  mode: string,
  load: Readonly<Record<string, unknown>>,
  scenes: readonly Scene[],
): void {
  const before = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const others = before
    .split(SECTION)
    .slice(1)
    .filter((section) => !section.startsWith(`${mode} mode`));
  const of = Object.entries(load).map(([name, value]) => `${value} ${name}`);
  const about = `Node ${process.versions.node}, ${cpus().length} processors, ${of.join(', ')}.`;
  const section = `${mode} mode\n\n${about}\n\n${scenes.map(written).join('\n\n')}\n`;
  const sections = [...others.map((text) => `${text.trimEnd()}\n`), section].sort().reverse();
  writeFileSync(
    file,
    `# What clients saw while processes were killed and reloaded\n\n${sections.map((text) => `## ${text}`).join('\n')}`,
  );
}

/** Every kind is written, those that did not happen too. */
function written({ scene, counts, ...others }: Scene): string {
  const all: [string, unknown][] = Object.entries(others);
  if (counts !== undefined) {
    const byKind = counts as Readonly<Record<string, unknown>>;
    all.push(...KINDS.map((kind): [string, unknown] => [kind, byKind[kind]]));
  }
  const [names, values] = [all.map(([name]) => name), all.map(([, value]) => shown(value))];
  return `${scene}:\n\n| ${names.join(' | ')} |\n|${names.map(() => '--:').join('|')}|\n| ${values.join(' | ')} |`;
}

function shown(value: unknown): string {
  if (typeof value === 'number') return value.toLocaleString('en');
  if (Array.isArray(value)) return `${value.length}`;
  return JSON.stringify(value);
}
