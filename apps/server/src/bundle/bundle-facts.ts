/** What is known of the bundle of a server's packages by who starts processes with it, by it, and by its loader. */

/** What the build has written beside the bundle. */
export interface BundleFacts {
  /** Of its source. */
  readonly hash: string;
  /** Versions of the packages that are in it, the server's among them, by their names. */
  readonly packages: Readonly<Record<string, string>>;
}

/** Under which name the loader has given every module of the process the modules of the bundle. */
export const MODULES = Symbol.for('millrace.bundle');
/** By which Node finds what is in the bundle, in place of the packages' own modules. */
export const CONDITION_OPTION = '--conditions=millrace-bundled';

/**
 * Finds what is in the bundle by the name that a module imports it by; `roles` is what a process loads once it has its role,
 * `reactor` what a reactor thread runs. Undefined where
 * another `version` is asked for than is in it: a program may have a package of its own, which is another one.
 */
export type BundledModules = (
  specifier: string,
  version?: string,
) => Readonly<Record<string, unknown>> | undefined;

/** Undefined in a process that has loaded the packages' own modules. */
export function bundledModules(): BundledModules | undefined {
  return (globalThis as { [MODULES]?: BundledModules })[MODULES];
}
