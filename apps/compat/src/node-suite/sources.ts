import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const REPOSITORY = 'https://github.com/nodejs/node.git';

/**
 * Brings Node's own tests of a version into a directory, unless they are there: cloned by git without the rest of Node, or
 * unpacked of a source archive. They never become a part of this repository.
 */
export function bringSources(directory: string, version: string, archive?: string): void {
  if (existsSync(join(directory, 'test/parallel'))) return;
  mkdirSync(directory, { recursive: true });
  if (archive !== undefined) {
    const members = execFileSync('tar', ['--list', '--file', archive], {
      encoding: 'utf8',
      maxBuffer: 1 << 28,
    });
    const top = members.slice(0, members.indexOf('/'));
    run('tar', [
      '--extract',
      '--file',
      archive,
      '--directory',
      directory,
      '--strip-components=1',
      `${top}/test`,
    ]);
    return;
  }
  run('git', [
    ...['clone', '--quiet', '--depth=1', '--filter=blob:none', '--sparse', `--branch=v${version}`],
    ...[REPOSITORY, directory],
  ]);
  run('git', ['-C', directory, 'sparse-checkout', 'set', 'test']);
}

function run(command: string, args: readonly string[]): void {
  execFileSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'] });
}

/** One of Node's tests. */
export interface NodeTest {
  readonly name: string;
  readonly file: string;
  /** What its head asks for in `// Flags:`. */
  readonly flags: readonly string[];
  /** Whether it has a server at all. */
  readonly listens: boolean;
}

/** The tests of `test/parallel` whose names match. */
export function testsIn(directory: string, match: RegExp): NodeTest[] {
  const parallel = join(directory, 'test/parallel');
  return readdirSync(parallel)
    .filter((name) => /\.m?js$/.test(name) && match.test(name))
    .sort()
    .map((name) => {
      const file = join(parallel, name);
      const text = readFileSync(file, 'utf8');
      const flags = [...text.matchAll(/^\/\/ Flags: (.*)$/gm)].flatMap(([, line = '']) =>
        line.trim().split(/\s+/),
      );
      return { name, file, flags, listens: /\.listen\(/.test(text) };
    });
}
