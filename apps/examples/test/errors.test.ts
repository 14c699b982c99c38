import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const TOP = fileURLToPath(new URL('../../../', import.meta.url));

interface ErrorClass {
  readonly package: string;
  readonly name: string;
  readonly base: string;
  readonly codes: readonly { readonly code: string; readonly meaning: string }[];
}

interface Source {
  readonly package: string;
  readonly text: string;
}

/** The sources of what is published; examples, benchmarks and the tests' kit have no codes. */
function sources(): Source[] {
  return ['channel', 'native', 'timer-heap', 'reactor', 'pipe-ipc', 'msg-queue', 'shared-memory']
    .concat('metrics', 'process-pool', 'task-pool', 'task-broker', 'server')
    .map((name) => join(TOP, existsSync(join(TOP, 'packages', name)) ? 'packages' : 'apps', name))
    .flatMap((directory) =>
      readdirSync(join(directory, 'src'), { recursive: true, encoding: 'utf8' })
        .filter((file) => file.endsWith('.ts'))
        .sort()
        .map((file) => ({
          package: basename(directory),
          text: readFileSync(join(directory, 'src', file), 'utf8'),
        })),
    );
}

/** The classes with codes, read from their unions: `export type PipeErrorCode = / ** meaning * / | 'ERR_…'`. */
function errorClasses(): ErrorClass[] {
  return sources().flatMap(({ package: name, text }) =>
    [...text.matchAll(/export type (\w+ErrorCode) =([\s\S]+?');/g)].map(([, union = '', body = '']) => {
      const [, own = '', base = ''] =
        text.match(new RegExp(`class (\\w+) extends (MillraceError<${union}>|Error) \\{`)) ?? [];
      const codes = [...body.matchAll(/\/\*\*([\s\S]*?)\*\/\s*\|?\s*'(\w+)'/g)].map(
        ([, meaning = '', code = '']) => ({
          code,
          meaning: meaning.replace(/\s*\n\s*\*/g, '').trim(),
        }),
      );
      return { package: name, name: own, base, codes };
    }),
  );
}

/** docs/errors.md, from the sources. */
function page(classes: readonly ErrorClass[]): string {
  const section = ({ package: from, name, codes }: ErrorClass) => `## \`${name}\` of @millrace/${from}

| code | meaning |
|---|---|
${codes.map(({ code, meaning }) => `| \`${code}\` | ${meaning.replaceAll('|', '\\|')} |`).join('\n')}
`;
  return `# Error codes

Each error of Millrace has a \`code\`, which is stable and belongs to one class; messages are not stable. All classes extend
\`MillraceError\` of \`@millrace/channel\`, which has, where there is such a thing, the offending \`value\`, the \`limit\`, and the
\`syscall\`, \`errno\` and \`errnoName\` of the call that failed. \`TimerError\` alone extends \`Error\`: timer-heap has no
dependency. Outcomes that a program has to expect (full, empty, timed out) are values of the calls wherever that is possible.

This page is made from the sources: \`npx vitest run test/errors.test.ts -u\` in apps/examples writes it anew.

${classes.map(section).join('\n')}`;
}

test('docs/errors.md lists every code of every class, as the sources have them', async () => {
  await expect(page(errorClasses())).toMatchFileSnapshot(join(TOP, 'docs/errors.md'));
});

test('a code belongs to one class', () => {
  const owners = new Map<string, string[]>();
  for (const { name, codes } of errorClasses())
    for (const { code } of codes) owners.set(code, [...(owners.get(code) ?? []), name]);
  expect(owners.size).toBeGreaterThan(80);
  expect([...owners].filter(([, names]) => names.length > 1)).toEqual([]);
});

test('a code that a source names is in the union of a class', () => {
  const known = new Set(errorClasses().flatMap(({ codes }) => codes.map(({ code }) => code)));
  const named = sources().flatMap(({ package: name, text }) =>
    [...text.matchAll(/ERR_MILLRACE_[A-Z_]*[A-Z]\b/g)].map(([code]) => ({ name, code })),
  );
  expect(named.length).toBeGreaterThan(300);
  expect(named.filter(({ code }) => !known.has(code))).toEqual([]);
});

test('every class of errors extends MillraceError, but for that of timer-heap, which depends on nothing', () => {
  const classes = errorClasses();
  expect(classes.map(({ name }) => name)).toContain('ServerError');
  expect(classes.filter(({ name }) => name === '')).toEqual([]);
  expect(classes.filter(({ base }) => base === 'Error').map(({ name }) => name)).toEqual(['TimerError']);
});
