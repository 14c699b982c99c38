import { createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls';
import { domainToASCII } from 'node:url';

/**
 * Finds the certificate for the name that a client asks for. Names of hosts have no case, and may end with a dot; Node's
 * own matching is by case in some versions and not in others, so this takes its place in all.
 */
export class TlsNames {
  readonly #exact = new Map<string, SecureContext>();
  /** Longest first: the more of a name is said, the more it is meant. */
  readonly #wildcards: {
    readonly pattern: RegExp;
    readonly length: number;
    readonly context: SecureContext;
  }[] = [];

  /** By host; a `*` stands for any part of one label, as in `*.example.com`. Throws what OpenSSL says of a certificate. */
  constructor(sni: Readonly<Record<string, SecureContextOptions>>) {
    for (const [host, options] of Object.entries(sni)) {
      const name = normal(host);
      const context = createSecureContext(options);
      if (name.includes('*'))
        this.#wildcards.push({ pattern: patternOf(name), length: name.length, context });
      else this.#exact.set(name, context);
    }
    this.#wildcards.sort((a, b) => b.length - a.length);
  }

  /** Undefined: the default is meant. */
  find(asked: string): SecureContext | undefined {
    const name = normal(asked);
    return this.#exact.get(name) ?? this.#wildcards.find(({ pattern }) => pattern.test(name))?.context;
  }
}

function normal(host: string): string {
  const name = host.endsWith('.') ? host.slice(0, -1) : host;
  // On the wire names are ASCII: an international one comes as its `xn--` form. It has none with a `*` in it.
  return (/[^ -~]/.test(name) && domainToASCII(name)) || name.toLowerCase();
}

function patternOf(name: string): RegExp {
  return new RegExp(`^${name.replace(/[^a-z0-9*]/g, '\\$&').replaceAll('*', '[^.]*')}$`);
}
