import { userInfo } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { CommandError } from '../command-error.js';
import type { StartFlags } from '../config/flags.js';
import { dockerfile, kubernetesManifest } from '../deploy/container.js';
import { type Deployment, deploymentOf } from '../deploy/deployment.js';
import { systemdUnit } from '../deploy/systemd-unit.js';
import { workingDirectory } from '../start.js';

export interface DockerFlags {
  readonly kubernetes?: true;
  readonly port: number;
  readonly image?: string;
}

const MILLRACE = fileURLToPath(new URL('../bin/millrace.js', import.meta.url));

/** Prints a unit of systemd for what `millrace start` would run with these words. */
export function systemd(
  words: readonly string[],
  start: Command,
  { runAs }: { readonly runAs?: string },
): void {
  const { uid, username } = userInfo();
  const user = runAs ?? (uid === 0 ? undefined : username);
  console.log(
    systemdUnit(deploymentFrom(words, start), { node: process.execPath, millrace: MILLRACE, user }).trimEnd(),
  );
}

/** Prints a Dockerfile for it, or a manifest of Kubernetes. */
export function docker(words: readonly string[], start: Command, flags: DockerFlags): void {
  const { kubernetes, port } = flags;
  const deployment = deploymentFrom(words, start);
  // The name of an image has no capitals.
  const { image = `${deployment.name.toLowerCase()}:latest` } = flags;
  const major = Number.parseInt(process.versions.node, 10);
  const text = kubernetes ? kubernetesManifest(deployment, image, port) : dockerfile(deployment, major, port);
  console.log(text.trimEnd());
}

function deploymentFrom(words: readonly string[], start: Command): Deployment {
  const { operands, unknown } = start.parseOptions([...words]);
  const [entry] = operands;
  if (entry === undefined)
    throw new CommandError(
      'usage',
      unknown.length > 0
        ? `millrace start has no option ${unknown[0]}.`
        : 'The entry module is missing: name it as for millrace start.',
    );
  const flags = start.opts() as StartFlags;
  if (flags.daemonize)
    throw new CommandError('usage', 'A service manager starts it in the foreground: leave --daemonize out.');
  return deploymentOf(words, entry, flags, workingDirectory());
}
