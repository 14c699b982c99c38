import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readOptions, withTables } from '../src/option-tables.js';

let top: string;

beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), 'option-tables-'));
  mkdirSync(join(top, 'docs/decisions'), { recursive: true });
  writeFileSync(join(top, 'docs/decisions/0007-why.md'), '');
});

afterEach(() => rmSync(top, { recursive: true }));

function page(source: string, text: string): string {
  writeFileSync(join(top, 'options.ts'), source);
  writeFileSync(join(top, 'docs/page.md'), text);
  return withTables(top, 'docs/page.md', readOptions([join(top, 'options.ts')], ['Options']));
}

const TABLE = 'Before.\n\n<!-- options: Options -->\nold\n<!-- /options -->\n\nAfter.\n';

test('a table has the type, default, other name and text of each option, and the page around it stays', () => {
  const source = `
    const KINDS = ['a', 'b'] as const;
    export { KINDS };
    export type Kind = 'a' | 'b';
    export interface Options {
      /**
       * Which kind: [more](docs/page.md#kinds), and
       * decision 7.
       * @default 'a'
       * @swoole \`the_kind\`
       */
      readonly kind?: Kind;
    }`;
  expect(page(source, TABLE)).toBe(
    [
      'Before.\n\n<!-- options: Options -->\n\n| option | type | default | Swoole | |\n|---|---|---|---|---|',
      "| `kind` | `'a' \\| 'b'` | `'a'` | `the_kind` | Which kind: [more](#kinds), and [decision 7](decisions/0007-why.md). |",
      '\n<!-- /options -->\n\nAfter.\n',
    ].join('\n'),
  );
});

test('an option without a comment, and one that no table of a page has, is an error', () => {
  expect(() => page('export interface Options { readonly kind?: string }', TABLE)).toThrow(
    'The option Options.kind has no comment.',
  );
  const groups = `export interface Options {
    // One
    /** First. */
    readonly first?: string;
    // Two
    /** Second. */
    readonly second?: string;
  }`;
  expect(() => page(groups, TABLE.replace('Options -->', 'Options / One -->'))).toThrow(
    'docs/page.md has no table for second.',
  );
  expect(() => page(groups, TABLE.replace('Options -->', 'Options / Three -->'))).toThrow("group 'Three'");
});
