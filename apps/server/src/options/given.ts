// No schema's types in here: what is resolved is in the types that users get, and valibot is bundled.

/** Options where one that is not given is missing, not undefined. */
export type Given<Options> = { [Name in keyof Options]: Exclude<Options[Name], undefined> };

export function given<Options extends object>(options: Options): Given<Options> {
  const entries = Object.entries(options).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as Given<Options>;
}

export function pick<Options, Name extends keyof Options>(
  options: Options,
  names: readonly Name[],
): Pick<Options, Name> {
  const picked = {} as Pick<Options, Name>;
  for (const name of names) picked[name] = options[name];
  return picked;
}
