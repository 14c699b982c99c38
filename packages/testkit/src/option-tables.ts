import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { parseSync } from 'rolldown/utils';

/** An option as its interface declares it, with what its comment says. */
export interface Option {
  readonly name: string;
  /** As it is written, with names of unions replaced by their members. */
  readonly type: string;
  /** The `@default` tag; undefined where the option has to be given. */
  readonly default: string | undefined;
  /** The `@swoole` tag: what Swoole calls it. */
  readonly swoole: string | undefined;
  /** What it means, in Markdown whose links start at the top of the repository. */
  readonly text: string;
  /** The line comment that its group begins with. */
  readonly group: string;
}

/** The options of each of the `interfaces`, by its name, in the files of `paths`. */
export function readOptions(
  paths: readonly string[],
  interfaces: readonly string[],
): ReadonlyMap<string, readonly Option[]> {
  const files = paths.map((path) => parseFile(path));
  const unions = new Map(files.flatMap((file) => unionsOf(file)));
  return new Map(files.flatMap((file) => optionsOf(file, interfaces, unions)));
}

const BEGIN = '<!-- options:';
const BLOCK = /<!-- options: (?<of>[^>]+) -->\n[\s\S]*?<!-- \/options -->/g;

/**
 * The page at `path` of the repository at `top` with its tables as `options` has them. A table is what is between
 * `<!-- options: INTERFACE -->` (or `INTERFACE / GROUP`, or `in short, NAME NAME …`) and `<!-- /options -->`.
 * Throws where a marker names what there is not, and where the page with groups leaves an option out.
 */
export function withTables(
  top: string,
  path: string,
  options: ReadonlyMap<string, readonly Option[]>,
): string {
  const page = readFileSync(join(top, path), 'utf8');
  const shown = new Set<Option>();
  const filled = page.replaceAll(BLOCK, (_, of: string) => {
    const rows = chosen(of, options);
    for (const row of rows) shown.add(row);
    const table = of.startsWith(IN_SHORT) ? shortTable(rows) : longTable(rows);
    return `${BEGIN} ${of} -->\n\n${linked(table, top, path)}\n\n<!-- /options -->`;
  });
  const missing = [...options.values()].flat().filter((option) => !shown.has(option));
  if (missing.length > 0 && !page.includes(`${BEGIN} ${IN_SHORT}`))
    throw new Error(`${path} has no table for ${missing.map(({ name }) => name).join(', ')}.`);
  return filled;
}

const IN_SHORT = 'in short,';

function chosen(of: string, options: ReadonlyMap<string, readonly Option[]>): readonly Option[] {
  if (of.startsWith(IN_SHORT)) {
    const all = [...options.values()].flat();
    const names = of.slice(IN_SHORT.length).trim().split(/\s+/);
    return names.map((name) => all.find((option) => option.name === name) ?? missing(`option ${name}`));
  }
  const [name = '', group] = of.split(' / ');
  const all = options.get(name) ?? missing(`interface ${name}`);
  const own = group === undefined ? all : all.filter((option) => option.group === group);
  return own.length > 0 ? own : missing(`group '${group}' in ${name}`);
}

function missing(what: string): never {
  throw new Error(`There is no ${what}, of which a page has a table.`);
}

function longTable(options: readonly Option[]): string {
  const rows = options.map((option) => [
    `\`${option.name}\``,
    `\`${option.type}\``,
    shownDefault(option),
    option.swoole ?? '–',
    option.text,
  ]);
  return table(['option', 'type', 'default', 'Swoole', ''], rows);
}

function shortTable(options: readonly Option[]): string {
  const rows = options.map((option) => [
    `\`${option.name}\``,
    shownDefault(option),
    firstSentence(option.text),
  ]);
  return table(['option', 'default', ''], rows);
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  const header = `| ${head.join(' | ')} |`.replace(/ {2}\|$/, ' |');
  return [header, `|${'---|'.repeat(head.length)}`, ...rows.map(line)].join('\n');
}

/** Values of code as code: a string with its quotes, an object. */
function shownDefault({ default: value }: Option): string {
  if (value === undefined) return 'to be given';
  return value.startsWith("'") || value.startsWith('{') ? `\`${value}\`` : value;
}

function firstSentence(text: string): string {
  return text.match(/^.*?\.(?= [A-Z{`'])/)?.[0].replace(/\.$/, '') ?? text.replace(/\.$/, '');
}

/** Links from the top of the repository as links from the page, and `decision 7` as a link to it. */
function linked(text: string, top: string, path: string): string {
  const decisions = readdirSync(join(top, 'docs/decisions'));
  return text
    .replaceAll(/\{@link (\w+)\}/g, '`$1`')
    .replaceAll(/\bdecision (\d+)\b/g, (shown, number: string) => {
      const file = decisions.find((name) => name.startsWith(`${number.padStart(4, '0')}-`));
      return `[${shown}](docs/decisions/${file ?? missing(shown)})`;
    })
    .replaceAll(/\]\((docs\/[^)#]+)?(#[^)]*)?\)/g, (_, target = '', anchor = '') =>
      target === path ? `](${anchor})` : `](${relative(dirname(path), target)}${anchor})`,
    );
}

type Parsed = ReturnType<typeof parseSync> & { readonly text: string };

function parseFile(path: string): Parsed {
  const text = readFileSync(path, 'utf8');
  const { program, comments, errors, module } = parseSync(path, text);
  if (errors[0] !== undefined) throw new Error(`${path}: ${errors[0].message}`);
  return { program, comments, errors, module, text };
}

/** Types that are a union of literals, or the members of a constant list, with that union as it is written. */
function unionsOf({ program, text }: Parsed): [string, string][] {
  const declared = program.body.flatMap((node) =>
    node.type === 'ExportNamedDeclaration' && node.declaration !== null ? [node.declaration] : [],
  );
  const lists = new Map<string, string>();
  for (const node of declared) {
    if (node.type !== 'VariableDeclaration') continue;
    for (const { id, init } of node.declarations) {
      if (id.type !== 'Identifier' || init?.type !== 'TSAsExpression') continue;
      if (init.expression.type !== 'ArrayExpression') continue;
      const members = init.expression.elements.map((member) => text.slice(member?.start, member?.end));
      lists.set(id.name, members.join(' | '));
    }
  }
  return declared.flatMap((node): [string, string][] => {
    if (node.type !== 'TSTypeAliasDeclaration') return [];
    const { start, end, type } = node.typeAnnotation;
    const written = text.slice(start, end);
    const list = lists.get(/^\(typeof (\w+)\)\[number\]$/.exec(written)?.[1] ?? '');
    if (list !== undefined) return [[node.id.name, list]];
    return type === 'TSUnionType' && /^'/.test(written) ? [[node.id.name, written]] : [];
  });
}

function optionsOf(
  file: Parsed,
  interfaces: readonly string[],
  unions: ReadonlyMap<string, string>,
): [string, Option[]][] {
  return file.program.body.flatMap((node): [string, Option[]][] => {
    if (node.type !== 'ExportNamedDeclaration' || node.declaration?.type !== 'TSInterfaceDeclaration')
      return [];
    const { name } = node.declaration.id;
    return interfaces.includes(name) ? [[name, membersOf(node.declaration, file, unions)]] : [];
  });
}

type Interface = Extract<
  NonNullable<Extract<Parsed['program']['body'][number], { type: 'ExportNamedDeclaration' }>['declaration']>,
  { type: 'TSInterfaceDeclaration' }
>;

function membersOf(
  { id, body, typeParameters }: Interface,
  { text, comments }: Parsed,
  unions: ReadonlyMap<string, string>,
): Option[] {
  const names = new Map(unions);
  for (const { name, constraint } of typeParameters?.params ?? [])
    if (constraint != null) names.set(name.name, text.slice(constraint.start, constraint.end));
  return body.body.map((member) => {
    if (
      member.type !== 'TSPropertySignature' ||
      member.key.type !== 'Identifier' ||
      member.typeAnnotation == null
    )
      throw new Error(`${id.name} has a member that is no option: ${text.slice(member.start, member.end)}`);
    const { start, end } = member.typeAnnotation.typeAnnotation;
    const comment = comments.findLast((one) => one.end <= member.start);
    if (comment?.type !== 'Block' || text.slice(comment.end, member.start).trim() !== '')
      throw new Error(`The option ${id.name}.${member.key.name} has no comment.`);
    const group = comments.findLast(
      (one) => one.type === 'Line' && one.start > body.start && one.end < member.start,
    );
    return {
      name: member.key.name,
      type: text.slice(start, end).replace(/\b\w+\b/g, (word) => names.get(word) ?? word),
      ...tagsOf(comment.value),
      group: group?.value.trim() ?? '',
    };
  });
}

/** A doc comment without its stars: what is before the first tag, and its tags. */
function tagsOf(comment: string): Pick<Option, 'default' | 'swoole' | 'text'> {
  const [text = '', ...tags] = comment
    .split('\n')
    .map((line) => line.replace(/^\s*\*? ?/, '').trim())
    .join('\n')
    .split(/^@/m);
  const flat = (lines: string) => lines.replace(/\s+/g, ' ').trim();
  const tag = (name: string) => {
    const found = tags.find((one) => one.startsWith(`${name} `));
    return found === undefined ? undefined : flat(found.slice(name.length));
  };
  return { text: flat(text), default: tag('default'), swoole: tag('swoole') };
}
