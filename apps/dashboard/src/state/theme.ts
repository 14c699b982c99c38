import { effect, signal } from '@preact/signals';

export type Theme = 'auto' | 'light' | 'dark';

const KEY = 'millrace-theme';
const THEMES: readonly Theme[] = ['auto', 'light', 'dark'];
const kept = localStorage.getItem(KEY) as Theme | null;

export const theme = signal<Theme>(kept !== null && THEMES.includes(kept) ? kept : 'auto');
const dark = matchMedia('(prefers-color-scheme: dark)');
/** Changes with what is shown, whoever has changed it: charts are drawn anew. */
export const scheme = signal(dark.matches ? 'dark' : 'light');

export function nextTheme(): void {
  theme.value = THEMES[(THEMES.indexOf(theme.value) + 1) % THEMES.length] as Theme;
  localStorage.setItem(KEY, theme.value);
}

export function followTheme(): void {
  const show = () => {
    const { value } = theme;
    document.documentElement.dataset.theme = value;
    scheme.value = value === 'auto' ? (dark.matches ? 'dark' : 'light') : value;
  };
  effect(show);
  dark.addEventListener('change', show);
}
