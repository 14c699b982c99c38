import { isIP } from 'node:net';
import { resolve } from 'node:path';
import * as v from 'valibot';
import { isAdminName } from '../admin/places.js';
import type { AdminOptions, ResolvedAdmin } from './admin-options.js';
import { optionError } from './option-error.js';
import { count, filledText, flag, type ShapeOf, text } from './schema-parts.js';

const NAME = '1 to 64 letters, digits, dots, dashes and underscores, of which the first is a letter or digit';

export const adminShape = {
  name: v.optional(v.pipe(text, v.check(isAdminName, NAME))),
  optional: v.optional(flag, false),
  port: v.optional(count(0, 65_535)),
  host: v.optional(
    v.pipe(
      text,
      v.check((host) => isIP(host) !== 0, 'an IPv4 or IPv6 address (resolve a host name first)'),
    ),
    '127.0.0.1',
  ),
  tokenFile: v.optional(
    v.pipe(
      filledText,
      v.transform((path) => resolve(path)),
    ),
  ),
  tokenVariable: v.optional(filledText, 'MILLRACE_ADMIN_TOKEN'),
} satisfies ShapeOf<AdminOptions>;

export const ADMIN_OPTION_NAMES = Object.keys(adminShape);

const adminOptions = v.strictObject(adminShape);
/** Not a union, whose error would be of neither. */
export const adminSchema = v.lazy((value) => (typeof value === 'object' ? adminOptions : flag));

/** Undefined: there is no admin interface. Throws `ERR_MILLRACE_OPTION`. */
export function resolveAdmin(
  admin: v.InferOutput<typeof adminSchema>,
  title: string,
): ResolvedAdmin | undefined {
  if (admin === false) return undefined;
  const given = admin === true ? v.parse(adminOptions, {}) : admin;
  const { name = title, port } = given;
  if (!isAdminName(name))
    throw optionError(
      `The admin interface cannot have the name ${JSON.stringify(name)}, which is the 'title': give it one by admin: { name }, of ${NAME}.`,
    );
  if (port === undefined && given.tokenFile !== undefined)
    throw optionError(
      "The option 'admin.tokenFile' is for 'admin.port': clients of the unix socket need no token.",
    );
  return { ...given, name };
}
