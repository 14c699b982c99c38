import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { millrace } from './millrace.js';
import { portOf, programOf, start } from './support.js';

const TERMINAL = fileURLToPath(new URL('terminal.py', import.meta.url));
const MILLRACE = fileURLToPath(new URL('../dist/main.js', import.meta.url));

let directory = '';
let env: NodeJS.ProcessEnv = {};
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-completion-'));
  const bin = join(directory, 'bin');
  mkdirSync(bin);
  // What a shell finds as `millrace`.
  writeFileSync(join(bin, 'millrace'), `#!/bin/sh\nexec ${process.execPath} ${MILLRACE} "$@"\n`, {
    mode: 0o755,
  });
  env = {
    ...process.env,
    HOME: directory,
    PATH: `${bin}:${process.env.PATH}`,
    MILLRACE_RUNTIME_DIR: join(directory, 'run'),
  };
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const SHELLS = {
  bash: (line: string) =>
    `. "$SCRIPT"; COMP_LINE='${line}'; COMP_POINT=\${#COMP_LINE}; _millrace; printf '%s\\n' "\${COMPREPLY[@]}"`,
  fish: (line: string) => `source $SCRIPT; complete -C '${line}'`,
};
type Shell = keyof typeof SHELLS;

const isThere = (shell: string) => spawnSync(shell, ['-c', 'true']).status === 0;

const hasPython = spawnSync('python3', ['--version']).status === 0;

/** The file with what is printed for a shell. */
function scriptOf(shell: Shell): string {
  const path = join(directory, shell);
  if (!existsSync(path))
    writeFileSync(
      path,
      execFileSync(process.execPath, [MILLRACE, 'completion', shell], { encoding: 'utf8' }),
    );
  return path;
}

/** What a shell offers for the last word of a line, without what it says of it. */
function offered(shell: Shell, line: string): string[] {
  const args = shell === 'bash' ? ['--norc', '-c'] : ['--no-config', '-c'];
  const SCRIPT = scriptOf(shell);
  const { stdout, stderr } = spawnSync(shell, [...args, SHELLS[shell](line)], {
    encoding: 'utf8',
    env: { ...env, SCRIPT },
  });
  expect(stderr).toBe('');
  return stdout
    .split('\n')
    .map((word) => word.split('\t')[0] as string)
    .filter((word) => word !== '')
    .sort();
}

describe.each<Shell>(['bash', 'fish'])('%s', (shell) => {
  test.runIf(isThere(shell))('completes commands, options and what stands behind them', () => {
    expect(offered(shell, 'millrace st')).toEqual(['start', 'status', 'stop']);
    expect(offered(shell, 'millrace completion ')).toEqual(expect.arrayContaining(['bash', 'fish', 'zsh']));
    expect(offered(shell, 'millrace start --mo')).toContain('--mode');
    expect(offered(shell, 'millrace start --mode b')).toEqual(['base']);
    expect(offered(shell, 'millrace kill --signal SIGS')).toEqual(['SIGSTOP']);
    expect(offered(shell, 'millrace profile ')).toEqual([]);
  });

  test.runIf(isThere(shell))('completes the names of servers that run, and of their processes', async () => {
    await using program = start(programOf('hello.cjs'), { flags: ['--workers', '2', '--name', 'shop'], env });
    await portOf(program);
    expect(offered(shell, 'millrace status ')).toEqual(['shop']);
    expect(offered(shell, 'millrace kill --name s')).toEqual(['shop']);
    expect(offered(shell, 'millrace profile wor')).toEqual(['worker:0', 'worker:1']);
  });
});

/** Of a terminal: Readline completes names of files itself. */
test.runIf(isThere('bash') && hasPython)(
  'bash completes the name of a file with a space and a dollar sign',
  () => {
    writeFileSync(join(directory, 'my $app one.js'), '');
    const commands = join(directory, 'commands');
    writeFileSync(
      commands,
      `PS1='ready>'; millrace() { printf '<%s>' "$@"; }; cd ${directory}; . ${scriptOf('bash')}\n`,
    );
    const steps = [
      ['ready>', 'millrace start my\t\n'],
      ['<start>', 'exit\n'],
    ];
    const bash = ['bash', '--noprofile', '--rcfile', commands, '-i'];
    const { stdout } = spawnSync('python3', [TERMINAL, JSON.stringify(steps), ...bash], {
      encoding: 'utf8',
      env: { ...env, TERM: 'dumb' },
      timeout: 20_000,
    });
    expect(stdout).toContain('<start><my $app one.js>');
  },
);

test.runIf(isThere('zsh'))('zsh takes the script, and completes by it', () => {
  const program =
    'autoload -U compinit; compinit -D; eval "$(millrace completion zsh)"; print -- $_comps[millrace] $+functions[_millrace]';
  const { stdout, stderr } = spawnSync('zsh', ['-f', '-c', program], { encoding: 'utf8', env });
  expect([stdout, stderr]).toEqual(['_millrace 1\n', '']);
});

test('a shell has to be named, and what there is to complete is in every script', async () => {
  expect((await millrace(['completion'], env)).code).toBe(2);
  const { stdout: help } = await millrace(['--help'], env);
  const commands = [...help.matchAll(/^ {2}([a-z]+) .*/gm)].map(([, name]) => name as string);
  expect(commands).toContain('profile');
  for (const shell of ['bash', 'zsh', 'fish']) {
    const { code, stdout } = await millrace(['completion', shell], env);
    expect(code).toBe(0);
    for (const name of commands.filter((one) => one !== 'help')) expect(stdout).toContain(name);
  }
});
