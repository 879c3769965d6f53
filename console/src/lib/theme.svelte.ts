// Light and dark: what the system says, unless somebody chose here.

export type Theme = 'system' | 'light' | 'dark';
const KEPT = 'hythe.theme';
const dark = matchMedia('(prefers-color-scheme: dark)');
const state = $state<{ theme: Theme }>({ theme: read() });

export const theme = (): Theme => state.theme;

export function choose(wanted: Theme): void {
  state.theme = wanted;
  localStorage.setItem(KEPT, wanted);
  paint();
}

/** Puts the colours on the page. */
export function paint(): void {
  const isDark = state.theme === 'system' ? dark.matches : state.theme === 'dark';
  document.documentElement.dataset.theme = isDark ? 'dark' : 'light';
}

function read(): Theme {
  const kept = localStorage.getItem(KEPT);
  return kept === 'light' || kept === 'dark' ? kept : 'system';
}

dark.addEventListener('change', paint);
