import { didYouMean } from '@millrace/channel';
import { ArgumentError } from '@millrace/channel/errors';
import * as v from 'valibot';
import { ADMIN_OPTION_NAMES } from './admin-schema.js';
import { optionError } from './option-error.js';
import { FRAMING_KINDS, NESTED as OF_PORTS } from './port-schema.js';
import type { Frozen } from './schema-parts.js';

/** The names within options that are objects. */
const NESTED: Readonly<Record<string, readonly string[]>> = { ...OF_PORTS, admin: ADMIN_OPTION_NAMES };

/** The checked options with their defaults. Throws `ERR_MILLRACE_OPTION` or `ERR_MILLRACE_UNKNOWN_OPTION`. */
export function parseOptions<S extends v.GenericSchema>(
  schema: S & { readonly entries: object },
  options: Frozen<v.InferInput<S>>,
): v.InferOutput<S> {
  const result = v.safeParse(schema, options);
  if (result.success) return result.output;
  const [issue] = result.issues;
  const path = issue.path?.map(({ key }) => String(key)) ?? [];
  if (issue.type === 'strict_object' && issue.expected === 'never') {
    const key = path.pop() ?? '';
    const within = path.length === 0 ? '' : ` in '${path.join('.')}'`;
    const known = path[0] === undefined ? Object.keys(schema.entries) : (NESTED[path[0]] ?? []);
    const message = `There is no option '${key}'${within}${didYouMean(key, known)}`;
    const value = issue.path?.at(-1)?.value;
    throw new ArgumentError('ERR_MILLRACE_UNKNOWN_OPTION', message, { argument: key, value });
  }
  const name = path.length === 0 ? 'The options' : `The option '${path.join('.')}'`;
  if (issue.type === 'strict_object' && issue.expected !== 'Object') throw optionError(`${name} is missing.`);
  const value = issue.path?.at(-1)?.value ?? issue.input;
  const isKind = issue.type === 'variant' && path.at(-1) === 'kind';
  const isObject = issue.expected === 'Object' && issue.type !== 'variant';
  const wanted = isKind ? FRAMING_KINDS : isObject ? 'an object' : issue.message;
  throw optionError(`${name} cannot be ${show(value)}: ${wanted}.`);
}

/** The offending value, as a message shows it. */
function show(value: unknown): string {
  if (typeof value === 'function') return 'a function';
  return typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? String(value));
}
