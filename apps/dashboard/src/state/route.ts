import { computed, signal } from '@preact/signals';

/** A page, as the part of the address after # names it: the server knows of one page alone. */
export interface Route {
  readonly page: string;
  readonly of: string | undefined;
}

const hash = signal(location.hash);
addEventListener('hashchange', () => {
  hash.value = location.hash;
});

export const route = computed<Route>(() => {
  const [page = '', of] = hash.value.replace(/^#\/?/, '').split('/');
  return { page, of: of === undefined || of === '' ? undefined : decoded(of) };
});

export const hrefOf = (page: string, of?: string | number) =>
  `#/${page}${of === undefined ? '' : `/${encodeURIComponent(of)}`}`;

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
