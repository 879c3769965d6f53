// Every address of the console and the page it opens; each page is a file of its own that is loaded when it is opened.
import type { Route } from './lib/router.svelte';

export const routes: Route[] = [
  { pattern: '', page: () => import('./pages/Overview.svelte') },
  { pattern: 'sign-in', page: () => import('./pages/SignIn.svelte') },
  { pattern: 'oidc-onboard', page: () => import('./pages/Onboard.svelte') },
  { pattern: 'search', page: () => import('./pages/Search.svelte') },
  { pattern: 'projects', page: () => import('./pages/Projects.svelte') },
  { pattern: 'projects/:project', page: () => import('./pages/project/Repositories.svelte') },
  { pattern: 'projects/:project/members', page: () => import('./pages/project/Members.svelte') },
  { pattern: 'projects/:project/permissions', page: () => import('./pages/project/Permissions.svelte') },
  { pattern: 'projects/:project/robots', page: () => import('./pages/project/Robots.svelte') },
  { pattern: 'projects/:project/labels', page: () => import('./pages/project/Labels.svelte') },
  { pattern: 'projects/:project/retention', page: () => import('./pages/project/Retention.svelte') },
  { pattern: 'projects/:project/immutable', page: () => import('./pages/project/ImmutableTags.svelte') },
  { pattern: 'projects/:project/trash', page: () => import('./pages/project/Trash.svelte') },
  { pattern: 'projects/:project/log', page: () => import('./pages/project/Log.svelte') },
  { pattern: 'projects/:project/settings', page: () => import('./pages/project/Settings.svelte') },
  { pattern: 'projects/:project/repositories/*reference', page: () => import('./pages/project/Reference.svelte') },
  { pattern: 'account', page: () => import('./pages/account/Profile.svelte') },
  { pattern: 'account/tokens', page: () => import('./pages/account/Tokens.svelte') },
  { pattern: 'account/sessions', page: () => import('./pages/account/Sessions.svelte') },
  { pattern: 'robots', page: () => import('./pages/system/Robots.svelte') },
  { pattern: 'users', page: () => import('./pages/system/Users.svelte') },
  { pattern: 'groups', page: () => import('./pages/system/Groups.svelte') },
  { pattern: 'roles', page: () => import('./pages/system/Roles.svelte') },
  { pattern: 'sources', page: () => import('./pages/system/Sources.svelte') },
  { pattern: 'labels', page: () => import('./pages/system/Labels.svelte') },
  { pattern: 'trash', page: () => import('./pages/system/Trash.svelte') },
  { pattern: 'garbage', page: () => import('./pages/system/Garbage.svelte') },
  { pattern: 'storage-audits', page: () => import('./pages/system/StorageAudits.svelte') },
  { pattern: 'storage-audits/:audit', page: () => import('./pages/system/StorageAudit.svelte') },
  { pattern: 'jobs', page: () => import('./pages/system/Jobs.svelte') },
  { pattern: 'jobs/:job', page: () => import('./pages/system/Job.svelte') },
  { pattern: 'quotas', page: () => import('./pages/system/Quotas.svelte') },
  { pattern: 'nodes', page: () => import('./pages/system/Nodes.svelte') },
  { pattern: 'doctor', page: () => import('./pages/system/Doctor.svelte') },
  { pattern: 'log', page: () => import('./pages/system/Log.svelte') },
  { pattern: 'settings', page: () => import('./pages/system/Settings.svelte') },
];

/** Pages that strangers may open: what is public can be looked at without an account. */
const OPEN = ['sign-in', 'oidc-onboard', 'search', 'projects'];

export function needsSignIn(path: string): boolean {
  return !OPEN.some((open) => path === open || path.startsWith(`${open}/`));
}
