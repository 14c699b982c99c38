/** The codes that errors of programs may have without limit; others are 'other'. */
const CODE = /^[A-Z][A-Z0-9_]{1,63}$/;

/** What an error is counted by. */
export function codeOf(error: unknown): string {
  const code = typeof error === 'object' && error !== null ? (error as { code?: unknown }).code : undefined;
  return typeof code === 'string' && CODE.test(code) ? code : 'other';
}
