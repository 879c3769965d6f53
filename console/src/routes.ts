// Every address of the console and the page it opens; each page is a file of its own that is loaded when it is opened.
import type { Route } from './lib/router.svelte';

export const routes: Route[] = [
  { pattern: '', page: () => import('./pages/Overview.svelte') },
  { pattern: 'sign-in', page: () => import('./pages/SignIn.svelte') },
  { pattern: 'oidc-onboard', page: () => import('./pages/Onboard.svelte') },
  { pattern: 'search', page: () => import('./pages/Search.svelte') },
  { pattern: 'projects', page: () => import('./pages/Projects.svelte') },
  { pattern: 'projects/:project', page: () => import('./pages/project/Repositories.svelte') },
  { pattern: 'projects/:project/repositories/*reference', page: () => import('./pages/project/Reference.svelte') },
];

/** Pages that strangers may open: what is public can be looked at without an account. */
const OPEN = ['sign-in', 'oidc-onboard', 'search', 'projects'];

export function needsSignIn(path: string): boolean {
  return !OPEN.some((open) => path === open || path.startsWith(`${open}/`));
}
