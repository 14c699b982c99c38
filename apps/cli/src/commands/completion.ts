import type { Command, Option } from 'commander';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/** What a word may be; the names of servers and processes, and the sessions, are asked for when they are needed. */
type Words = 'files' | 'servers' | 'processes' | 'sessions' | 'none' | readonly string[];

interface Flag {
  /** As `-n --name`. */
  readonly names: readonly string[];
  readonly text: string;
  /** What stands behind it; undefined: nothing does. */
  readonly value: Words | undefined;
}

interface Part {
  readonly name: string;
  readonly text: string;
  readonly flags: readonly Flag[];
  /** What its arguments may be, the first of them first; the last one for all that follow. */
  readonly args: readonly Words[];
}

/** A script that completes the command line of this command, of what commander knows of it. */
export function completion(command: Command, shell: Shell): void {
  const parts = command.commands.filter(({ parent }) => parent === command).map(partOf);
  console.log({ bash, zsh, fish }[shell](parts));
}

function partOf(command: Command): Part {
  return {
    name: command.name(),
    text: command.description(),
    flags: command.options.filter(({ hidden }) => !hidden).map(flagOf),
    args: command.registeredArguments.map((argument) => wordsOf(argument.name(), argument.argChoices)),
  };
}

function flagOf(option: Option): Flag {
  const { short, long, description: text, argChoices } = option;
  const names = [short, long].filter((name) => name !== undefined);
  const takesValue = option.required || option.optional;
  const name = option.long === '--name' ? 'name' : (/[<[]([\w-]+)/.exec(option.flags)?.[1] ?? '');
  return { names, text, value: takesValue ? wordsOf(name, argChoices) : undefined };
}

function wordsOf(name: string, choices: readonly string[] | undefined): Words {
  if (choices !== undefined) return choices;
  if (name === 'name') return 'servers';
  if (name === 'process') return 'processes';
  if (name === 'session') return 'sessions';
  return ['entry', 'path', 'file', 'args'].includes(name) ? 'files' : 'none';
}

/** How a shell asks for names: nothing where nothing answers. */
const LIVE = {
  servers: 'millrace completion --list servers 2>/dev/null',
  processes: 'millrace completion --list processes 2>/dev/null',
  sessions: 'millrace completion --list sessions 2>/dev/null',
};

const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
const allNames = (flags: readonly Flag[]) => flags.flatMap(({ names }) => names);

function bash(parts: readonly Part[]): string {
  const reply = (words: Words) => {
    if (words === 'none') return ':';
    // Readline's own, which knows of quotes and of spaces in names.
    if (words === 'files') return 'compopt -o default';
    const list = typeof words === 'string' ? `$(${LIVE[words]})` : words.join(' ');
    return `_millrace_words "${list}"`;
  };
  const cases = parts.map(({ name, flags, args }) => {
    const values = flags
      .filter(({ value }) => value !== undefined)
      .map(({ names, value }) => `        ${names.join('|')}) ${reply(value as Words)}; return ;;`);
    const taking = allNames(flags.filter(({ value }) => value !== undefined));
    const places = args.map(
      (words, index) => `        ${index === args.length - 1 ? '*' : index}) ${reply(words)} ;;`,
    );
    return `    ${name})
      takes=" ${taking.join(' ')} "
      case "$before" in
${values.join('\n')}
      esac
      if [[ $word == -* ]]; then _millrace_words "${allNames(flags).join(' ')} --help"; return; fi
      case "$(_millrace_place "$takes")" in
${places.join('\n')}
      esac ;;`;
  });
  return `# eval "$(millrace completion bash)"
_millrace_words() {
  local line
  # A colon would part the word: what stands before it is there already.
  local from=\${word%"\${word##*:}"}
  [[ $COMP_WORDBREAKS == *:* ]] || from=
  COMPREPLY=()
  while IFS= read -r line; do COMPREPLY+=("\${line#"$from"}"); done < <(compgen -W "$1" -- "$word")
}
_millrace_place() {
  local at place=0 words
  read -ra words <<<"$whole"
  for ((at = 2; at < \${#words[@]} - ended; at++)); do
    if [[ \${words[at]} == -* ]]; then [[ $1 == *" \${words[at]} "* ]] && ((at++)); else ((place++)); fi
  done
  echo $place
}
_millrace() {
  local whole="\${COMP_LINE:0:COMP_POINT}" takes word before ended=1
  local words
  read -ra words <<<"$whole"
  if [[ $whole == *" " ]]; then word= ended=0 before=\${words[-1]}; else word=\${words[-1]} before=\${words[-2]}; fi
  COMPREPLY=()
  if ((\${#words[@]} - ended < 2)); then _millrace_words "${[...parts.map(({ name }) => name), 'help', '--help'].join(' ')}"; return; fi
  case "\${words[1]}" in
${cases.join('\n')}
  esac
}
complete -F _millrace millrace`;
}

function zsh(parts: readonly Part[]): string {
  const action = (words: Words) => {
    if (words === 'none') return ' ';
    if (words === 'files') return '_files';
    return typeof words === 'string' ? `_millrace_${words}` : `(${words.join(' ')})`;
  };
  const plain = (text: string) => text.replaceAll(/[[\]:\\]/g, '\\$&');
  const spec = ({ names, text, value }: Flag) =>
    names.map((name) =>
      quoted(`${name}[${plain(text)}]${value === undefined ? '' : `:value:${action(value)}`}`),
    );
  const cases = parts.map(({ name, flags, args }) => {
    const places = args.map((words, index) =>
      quoted(
        `${index === args.length - 1 && words === 'files' ? '*' : index + 1}::${'word'}:${action(words)}`,
      ),
    );
    return `    ${name}) _arguments -s ${[...flags.flatMap(spec), ...places].join(' ')} ;;`;
  });
  return `#compdef millrace
# eval "$(millrace completion zsh)", behind compinit
_millrace_servers() { local -a names; names=(\${(f)"$(${LIVE.servers})"}); compadd -a names }
_millrace_processes() { local -a names; names=(\${(f)"$(${LIVE.processes})"}); compadd -a names }
_millrace_sessions() { local -a names; names=(\${(f)"$(${LIVE.sessions})"}); compadd -a names }
_millrace() {
  local -a commands
  commands=(${parts.map(({ name, text }) => quoted(`${name}:${plain(text)}`)).join(' ')})
  if ((CURRENT == 2)); then _describe command commands; return; fi
  shift words; ((CURRENT--))
  case $words[1] in
${cases.join('\n')}
  esac
}
compdef _millrace millrace`;
}

function fish(parts: readonly Part[]): string {
  const values = (words: Words) => {
    if (words === 'files') return ' -F';
    if (words === 'none') return '';
    return ` -a ${quoted(typeof words === 'string' ? `(${LIVE[words]})` : words.join(' '))}`;
  };
  const lines = parts.flatMap(({ name, text, flags, args }) => {
    const here = `complete -c millrace -n ${quoted(`__fish_seen_subcommand_from ${name}`)}`;
    return [
      `complete -c millrace -n __fish_use_subcommand -a ${name} -d ${quoted(text)}`,
      ...flags.map(({ names, text: about, value }) => {
        const long = names.find((one) => one.startsWith('--'))?.slice(2);
        const short = names.find((one) => /^-\w$/.test(one))?.slice(1);
        return `${here}${short ? ` -s ${short}` : ''}${long ? ` -l ${long}` : ''}${value === undefined ? '' : ` ${value === 'files' ? '-r' : '-x'}${values(value)}`} -d ${quoted(about)}`;
      }),
      ...[...new Set(args)].map((words) => `${here}${values(words)}`),
    ];
  });
  return ['# millrace completion fish | source', 'complete -c millrace -f', ...lines].join('\n');
}
