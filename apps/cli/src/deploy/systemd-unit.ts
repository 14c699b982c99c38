import { CommandError } from '../command-error.js';
import type { Deployment } from './deployment.js';

export interface UnitSurroundings {
  /** The binary of Node, and the command's module that it runs. */
  readonly node: string;
  readonly millrace: string;
  /** Who runs the program; undefined: a user that exists while the service runs. */
  readonly user: string | undefined;
}

/** A unit of systemd that runs a program by `millrace start`, complete but for its place. */
export function systemdUnit(
  { name, directory, words, stopSeconds, files }: Deployment,
  { node, millrace, user }: UnitSurroundings,
): string {
  const start = [node, millrace, 'start', ...words].map(quoted).join(' ');
  const reload = [node, millrace, 'reload', name].map(quoted).join(' ');
  return `# /etc/systemd/system/${name}.service: written by millrace systemd
[Unit]
Description=${name}, run by millrace
Wants=network-online.target
After=network-online.target

[Service]
# The master says when it serves, reloads and ends; the watchdog restarts a server that serves nobody any more.
Type=notify
NotifyAccess=main
WatchdogSec=30
TimeoutStartSec=90
ExecStart=${start}
# Ends when every worker has been replaced, and fails when the new version does not start: the old one serves on then.
ExecReload=${reload}
Restart=on-failure
RestartSec=1

# The master ends the others in order. (control-group, which signals all of them, loses no request either.)
KillMode=mixed
TimeoutStopSec=${stopSeconds}
# A worker that is killed for its memory is replaced by the server.
OOMPolicy=continue
LimitNOFILE=${files}

WorkingDirectory=${inOneLine(directory, 'the working directory')}
Environment=NODE_ENV=production
# Asked by its user: MILLRACE_RUNTIME_DIR=/run/${name} millrace status
Environment=MILLRACE_RUNTIME_DIR=%t/${name}
RuntimeDirectory=${name}
RuntimeDirectoryMode=0700
StateDirectory=${name}
SyslogIdentifier=${name}
${user === undefined ? 'DynamicUser=yes' : `User=${inOneLine(user, 'the user')}`}

# What it writes goes to its StateDirectory, or to what ReadWritePaths= adds. Ports below 1024 are allowed.
AmbientCapabilities=CAP_NET_BIND_SERVICE
CapabilityBoundingSet=CAP_NET_BIND_SERVICE
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=read-only
PrivateTmp=yes
PrivateDevices=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
UMask=0027

[Install]
WantedBy=multi-user.target
`;
}

/** A word of a command line, as systemd reads it. */
function quoted(word: string): string {
  const text = escaped(word).replaceAll('$', '$$$$');
  if (/^[\w@%+=:,./$-]+$/.test(text)) return text;
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`;
}

/** Of a setting that takes no quotes: there a line ends, and what is at its end is cut off or goes on in the next one. */
function inOneLine(text: string, what: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: it is what they are looked for with
  if (/[\u0000-\u001f\u007f]|^\s|[\s\\]$/.test(text))
    throw new CommandError(
      'failed',
      `A unit of systemd cannot hold ${what}, ${JSON.stringify(text)}: it has a control character, or a space or backslash at its end.`,
    );
  return escaped(text);
}

/** A % stands for something of the unit. */
const escaped = (text: string) => text.replaceAll('%', '%%');
