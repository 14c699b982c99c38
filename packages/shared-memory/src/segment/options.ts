import { optionNames } from '@millrace/channel';
import type { TrustedUsers } from '@millrace/native';
import { SharedMemoryError } from '../errors.js';
import type { SegmentHeader } from './header.js';
import { HEADER_BYTES, KIND_BYTES } from './layout.js';

/** What the header of a segment is made of. */
export interface HeaderOptions {
  /** Bytes for the user, at least 1. */
  readonly size: number;
  /** What is in it, up to 31 ASCII characters: it is opened as that only. Default 'bytes'. */
  readonly kind?: string;
  /** Slots of its owner registry: how many threads may own something in it. Default 0: it has no registry. */
  readonly owners?: number;
  /** As of a file, 0o600 to 0o666; the umask does not count. Default 0o600. */
  readonly permissions?: number;
}

/** Whose segments are opened. */
export interface SegmentTrust {
  /**
   * Users, besides root and this process's, whose segment is opened: any user may have made one of that name first.
   * Default: none.
   */
  readonly trustedUsers?: TrustedUsers | undefined;
}

/** Of calls that ask for nothing else. */
export const TRUST_OPTIONS = optionNames<SegmentTrust>({ trustedUsers: true });

/** What a segment is when nothing is said. */
export const DEFAULT_KIND = 'bytes';
const DEFAULT_PERMISSIONS = 0o600;
const MAX_BYTES = 2 ** 40;

/** The header that options ask for. Throws for what cannot be, naming the limits. */
export function headerOf({
  size,
  kind = DEFAULT_KIND,
  owners = 0,
  permissions = DEFAULT_PERMISSIONS,
}: HeaderOptions): SegmentHeader {
  if (!Number.isSafeInteger(size) || size < 1 || size > MAX_BYTES - HEADER_BYTES) {
    throw new SharedMemoryError(
      'ERR_MILLRACE_SEGMENT_SIZE',
      `${size} bytes: the size of a segment must be an integer from 1 to ${MAX_BYTES - HEADER_BYTES}.`,
    );
  }
  if (!/^[\x21-\x7e]+$/.test(kind) || kind.length >= KIND_BYTES) {
    throw new SharedMemoryError(
      'ERR_MILLRACE_SEGMENT_NAME',
      `${JSON.stringify(kind)} is no kind of a segment: 1 to ${KIND_BYTES - 1} visible ASCII characters are needed.`,
    );
  }
  if (!Number.isInteger(permissions) || (permissions & ~0o666) !== 0 || (permissions & 0o600) !== 0o600) {
    throw new SharedMemoryError(
      'ERR_MILLRACE_SEGMENT_PERMISSIONS',
      `0o${permissions.toString(8)} cannot be the permissions of a segment: its owner must be able to read and write ` +
        'it, and no bit for executing it is allowed (0o600 to 0o666).',
    );
  }
  return { kind, size, owners, permissions };
}
