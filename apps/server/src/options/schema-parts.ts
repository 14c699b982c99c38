// What the schemas of options are put together from. Their texts end the sentence "The option … cannot be …:".

import { pathToFileURL } from 'node:url';
import * as v from 'valibot';

export const MAX_MS = 2 ** 31 - 1;
export const MAX_BYTES = 2 ** 30;

/** An integer from `min` to `max`, both included. */
export function count(min: number, max: number) {
  const wanted = `a whole number from ${min} to ${max}`;
  return v.pipe(
    v.number(wanted),
    v.check((value) => Number.isSafeInteger(value) && value >= min && value <= max, wanted),
  );
}

const DURATION = 'a number of milliseconds from 0, or Infinity';

/** How long something may take: 0 looks once, Infinity waits for ever. */
export const duration = v.pipe(
  v.number(DURATION),
  v.check((value) => value >= 0, DURATION),
);

export function oneOf<const Names extends readonly string[]>(names: Names) {
  return v.picklist(names, `one of ${names.map((name) => `'${name}'`).join(', ')}`);
}

export const text = v.string('a string');
/** Behind a NUL the kernel and its libraries would see another name. */
const noNul = v.check((value: string) => !value.includes('\0'), 'a string without a NUL');
export const filledText = v.pipe(text, v.nonEmpty('a string that is not empty'), noNul);
export const absolutePath = v.pipe(text, v.startsWith('/', 'an absolute path'), noNul);
export const flag = v.boolean('true or false');

/** A module's place, as the URL that threads import. */
export const moduleUrl = v.pipe(
  v.union([filledText, v.instance(URL)], 'the path or the URL of a module'),
  v.transform((at) => (at instanceof URL || /^(file|data):/.test(at) ? String(at) : pathToFileURL(at).href)),
);

/** A schema for each option of an interface, which takes nothing that the interface does not allow. */
export type ShapeOf<Options> = {
  readonly [Name in keyof Options]-?: v.GenericSchema<Loose<Options[Name]> | undefined, unknown>;
};

type Atom = string | number | boolean | URL | Uint8Array | ((...given: never[]) => unknown);

/** The same, with undefined for whatever may be missing: callers in JavaScript write it. */
type Loose<Value> = unknown extends Value
  ? Value
  : Value extends Atom
    ? Value
    : { [Name in keyof Value]: Loose<Value[Name]> | OrMissing<Value, Name> };
type OrMissing<Value, Name extends keyof Value> =
  Partial<Pick<Value, Name>> extends Pick<Value, Name> ? undefined : never;

/** The same, as a caller may hand it over: schemas have arrays that may be changed, interfaces have not. */
export type Frozen<Value> = unknown extends Value
  ? Value
  : Value extends Atom
    ? Value
    : { readonly [Name in keyof Value]: Frozen<Value[Name]> };
