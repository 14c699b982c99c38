import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';

const BRIDGE = 'millrace0';
const SUBNET = '10.77.0';
const OWN = 254;

function ip(...args: readonly string[]): void {
  execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'] });
}

/** Machines as network namespaces on one bridge; this process is one of them. Needs iproute2 and root. */
export class Network {
  readonly #nodes: string[] = [];
  /** Names of namespaces are the whole machine's. */
  readonly #run = randomBytes(3).toString('hex');

  constructor() {
    ip('link', 'add', BRIDGE, 'type', 'bridge');
    ip('addr', 'add', `${SUBNET}.${OWN}/24`, 'dev', BRIDGE);
    ip('link', 'set', BRIDGE, 'up');
  }

  /** A machine, and its address. */
  add(name: string): string {
    this.#nodes.push(name);
    const address = `${SUBNET}.${this.#nodes.length}`;
    const space = this.#space(name);
    ip('netns', 'add', space);
    ip('link', 'add', `to-${name}`, 'type', 'veth', 'peer', 'name', `in-${name}`);
    ip('link', 'set', `in-${name}`, 'netns', space);
    ip('link', 'set', `to-${name}`, 'master', BRIDGE, 'up');
    ip('-n', space, 'link', 'set', 'lo', 'up');
    ip('-n', space, 'addr', 'add', `${address}/24`, 'dev', `in-${name}`);
    ip('-n', space, 'link', 'set', `in-${name}`, 'up');
    return address;
  }

  /** A command that runs the one behind it there. */
  on(name: string): readonly string[] {
    return ['ip', 'netns', 'exec', this.#space(name)];
  }

  #space(name: string): string {
    return `millrace-${this.#run}-${name}`;
  }

  cut(name: string): void {
    ip('link', 'set', `to-${name}`, 'down');
  }

  join(name: string): void {
    ip('link', 'set', `to-${name}`, 'up');
  }

  remove(): void {
    for (const name of this.#nodes) ip('netns', 'del', this.#space(name));
    ip('link', 'del', BRIDGE);
  }
}
