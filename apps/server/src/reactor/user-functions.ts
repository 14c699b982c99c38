import type { Framing, Measure } from '@millrace/reactor';
import type { Dispatch } from '../options/options.js';
import type { ResolvedPort } from '../options/resolved-port.js';
import type { UserFunctions } from './reactor-context.js';

/** Imports the modules that the options name. Throws when one cannot be imported or has no such function. */
export async function importUserFunctions(
  ports: readonly ResolvedPort[],
  dispatchModule: string | undefined,
): Promise<UserFunctions> {
  const framings: Framing[] = [];
  for (const { framing } of ports) {
    if (framing.kind !== 'function') framings.push(framing);
    else
      framings.push({
        kind: 'function',
        measure: await imported<Measure>(String(framing.module), 'measure'),
      });
  }
  const dispatch =
    dispatchModule === undefined ? undefined : await imported<Dispatch>(dispatchModule, 'dispatch');
  return { dispatch, framings };
}

async function imported<F>(module: string, name: string): Promise<F> {
  const exported = (await import(module))[name];
  if (typeof exported !== 'function') throw new TypeError(`${module} exports no function '${name}'.`);
  return exported as F;
}
