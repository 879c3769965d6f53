// Patterns of addresses.
import type { Component } from 'svelte';

export type Parameters = Record<string, string>;
type Loader = () => Promise<{ default: Component<any> }>;

/** An address's pattern: `:name` is one part of it, `*name` all the rest. */
export interface Route {
  pattern: string;
  page: Loader;
}

/** The first route that the path fits, with what it says for the pattern's names. */
export function match(routes: Route[], path: string): { route: Route; parameters: Parameters } | null {
  for (const route of routes) {
    const parameters = fit(route.pattern, path);
    if (parameters) return { route, parameters };
  }
  return null;
}

export function fit(pattern: string, path: string): Parameters | null {
  const wanted = pattern.split('/');
  const parts = path.split('/');
  const found: Parameters = {};
  for (const [index, part] of wanted.entries()) {
    if (part.startsWith('*')) {
      found[part.slice(1)] = parts.slice(index).map(decodeURIComponent).join('/');
      return parts.length > index ? found : null;
    }
    const actual = parts[index];
    if (actual === undefined) return null;
    if (part.startsWith(':') && actual) found[part.slice(1)] = decodeURIComponent(actual);
    else if (part !== actual) return null;
  }
  return parts.length === wanted.length ? found : null;
}
