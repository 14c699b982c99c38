/** A certificate and its key. */
export interface ProgramIdentity {
  readonly key: string;
  readonly cert: string;
}

export type ProgramNames = Readonly<Record<string, ProgramIdentity>>;

/**
 * The TLS of a server of the program, where a reactor thread can end it: PEM in full, for the files are the program's to read, and never
 * a path, for the master may read what the worker may not. The key is not encrypted: to try a passphrase takes as long as the key says.
 */
export interface ProgramTls extends ProgramIdentity {
  /** Others, by the name that a client asks for. */
  readonly sni?: ProgramNames | undefined;
  readonly ca?: readonly string[] | undefined;
  readonly ciphers?: string | undefined;
  readonly ecdhCurve?: string | undefined;
  readonly minVersion?: string | undefined;
  readonly maxVersion?: string | undefined;
}

/** What is PEM, and not a path. */
const PEM_MARK = '-----BEGIN ';

/** Whether it is PEM, and no path. */
export function isPem(text: string): boolean {
  return text.includes(PEM_MARK);
}

const isPemText = (value: unknown): boolean => typeof value === 'string' && isPem(value);
const isTextOrNone = (value: unknown): boolean =>
  value === undefined || value === null || typeof value === 'string';

export function isProgramTls(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { key, cert, ca, sni, ...others } = value as Record<string, unknown>;
  if (!isPemText(key) || !isPemText(cert) || !isNames(sni)) return false;
  if (ca !== undefined && ca !== null && !(Array.isArray(ca) && ca.every(isPemText))) return false;
  return Object.values(others).every(isTextOrNone);
}

function isNames(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  if (typeof value !== 'object' || Array.isArray(value)) return false;
  return Object.entries(value).every(([name, identity]: [string, unknown]) => {
    const { key, cert } = (identity ?? {}) as Record<string, unknown>;
    return name !== '' && isPemText(key) && isPemText(cert);
  });
}
