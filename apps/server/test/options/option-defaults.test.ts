import { fileURLToPath } from 'node:url';
import { serverOptions } from '@millrace/testkit/option-pages';
import { describe, expect, test } from 'vitest';
import { adminShape } from '../../src/options/admin-schema.js';
import { portShape } from '../../src/options/port-schema.js';
import { serverShape } from '../../src/options/server-schema.js';
import { tlsShape } from '../../src/options/tls-schema.js';

const OPTIONS = serverOptions(fileURLToPath(new URL('../../../../', import.meta.url)));

const UNITS = { KiB: 1 << 10, MiB: 1 << 20 } as const;

/** The value that the text of a default begins with, as `256 KiB`, `10,000 ms`, `0: never`, `'ring'` or `{}`. */
function told(text: string | undefined): unknown {
  const [, digits, unit] = text?.match(/^(\d[\d,]*)(?: (KiB|MiB))?/) ?? [];
  if (digits !== undefined)
    return Number(digits.replaceAll(',', '')) * (unit === undefined ? 1 : UNITS[unit as keyof typeof UNITS]);
  if (text === 'true' || text === 'false') return text === 'true';
  if (text === "{ kind: 'none' }") return { kind: 'none' };
  return text === '{}' ? {} : (text?.match(/^'(.*)'$/)?.[1] ?? text);
}

describe.each([
  ['ServerOptions', serverShape],
  ['PortOptions', portShape],
  ['TlsOptions', tlsShape],
  ['AdminOptions', adminShape],
])('the comments of %s', (name, shape) => {
  const fixed = Object.entries(shape).filter(
    ([, schema]) =>
      'default' in schema && schema.default !== undefined && typeof schema.default !== 'function',
  );

  test.each(fixed)('tell the default of %s that its schema has', (option, schema) => {
    const comment = OPTIONS.get(name)?.find((one) => one.name === option);
    expect(told(comment?.default)).toEqual((schema as { readonly default?: unknown }).default);
  });
});
