import { signal } from '@preact/signals';

/** Of this tab, and gone with it. No cookie: a browser would send that by itself, to every port of the host and for every page. */
const KEY = 'millrace-token';

export const token = signal(sessionStorage.getItem(KEY));

export function keepToken(value: string): void {
  sessionStorage.setItem(KEY, value);
  token.value = value;
}

export function forgetToken(): void {
  sessionStorage.removeItem(KEY);
  token.value = null;
}
