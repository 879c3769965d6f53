// Which page an address means. Addresses are below the root that the console was reached at.
export { match, type Parameters, type Route } from './match';

const state = $state({ path: here(), query: new URLSearchParams(location.search) });

/** The path below the root, without a slash at its ends. */
export const path = (): string => state.path;
export const query = (): URLSearchParams => state.query;

/** Goes to an address below the root, such as `projects/team`. */
export function go(to: string, how: { replace?: boolean } = {}): void {
  const url = new URL(to || './', document.baseURI);
  history[how.replace ? 'replaceState' : 'pushState'](null, '', url);
  look();
}

/** Changes the query of the address; empty values go away. */
export function setQuery(values: Record<string, string>): void {
  const url = new URL(location.href);
  for (const [name, value] of Object.entries(values)) {
    if (value) url.searchParams.set(name, value);
    else url.searchParams.delete(name);
  }
  history.replaceState(null, '', url);
  state.query = url.searchParams;
}

/** Follows links of our own without loading the page anew. */
export function follow(event: MouseEvent): void {
  const anchor = (event.target as Element | null)?.closest?.('a');
  if (!anchor || event.defaultPrevented || event.button !== 0 || anchor.target || anchor.hasAttribute('download'))
    return;
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  if (!anchor.href.startsWith(document.baseURI) || anchor.hasAttribute('data-outside')) return;
  event.preventDefault();
  go(anchor.href);
}

window.addEventListener('popstate', look);

function look(): void {
  state.path = here();
  state.query = new URLSearchParams(location.search);
}

function here(): string {
  const root = new URL(document.baseURI).pathname;
  const path = location.pathname.startsWith(root) ? location.pathname.slice(root.length) : location.pathname;
  return path.replace(/^\/+|\/+$/g, '');
}
