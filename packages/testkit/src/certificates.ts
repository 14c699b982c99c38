import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A key and its certificate, PEM. */
export interface Identity {
  readonly key: string;
  readonly cert: string;
}

/** A certificate authority of one test file, made by the openssl command; nothing of it outlives the tests. */
export class Authority implements Disposable {
  readonly #directory = mkdtempSync(join(tmpdir(), 'millrace-tls-'));
  readonly cert: string;

  constructor(name = 'Millrace test authority') {
    this.#run(
      `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -keyout ca.key -out ca.pem`,
      ['-subj', `/CN=${name}`],
    );
    this.cert = this.#read('ca.pem');
  }

  /** Signs a certificate for `names`; the first is its subject's common name. */
  issue(...names: readonly string[]): Identity {
    const [name] = names as [string];
    const alternatives = names.map((each) => `DNS:${each}`).join(',');
    this.#run(
      'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -keyout one.key -out one.pem -CA ca.pem -CAkey ca.key',
      ['-subj', `/O=Tests/CN=${name}`, '-addext', `subjectAltName=${alternatives}`],
    );
    return { key: this.#read('one.key'), cert: this.#read('one.pem') };
  }

  [Symbol.dispose](): void {
    rmSync(this.#directory, { recursive: true });
  }

  #run(command: string, more: readonly string[]): void {
    execFileSync('openssl', [...command.split(' '), ...more], { cwd: this.#directory, stdio: 'pipe' });
  }

  #read(file: string): string {
    return readFileSync(join(this.#directory, file), 'utf8');
  }
}
