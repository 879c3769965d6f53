// Words for what the server says in numbers and codes.
import { t, word, type Key } from '../i18n/index.svelte';
import type { Schema } from '../api/client';

/** Harbor's numbers of the roles that every project has. */
export const ROLES: Record<number, Key> = {
  1: 'role.projectAdmin',
  4: 'role.maintainer',
  2: 'role.developer',
  3: 'role.guest',
  5: 'role.limitedGuest',
};
export const ROLE_ORDER = [1, 4, 2, 3, 5];

export function roleName(id: number): string {
  const key = ROLES[id];
  return key ? t(key) : `#${id}`;
}

export type Visibility = 'private' | 'internal' | 'public';
export const VISIBILITIES: Visibility[] = ['private', 'internal', 'public'];

export function visibilityOf(project: Schema<'Project'>): Visibility {
  const metadata = project.metadata as unknown as Record<string, string>;
  const known = VISIBILITIES.find((visibility) => visibility === metadata.visibility);
  return known ?? (metadata.public === 'true' ? 'public' : 'private');
}

/** What an artifact is, in people's words. */
export function kindName(kind: string): string {
  return word('kindOf', kind.toUpperCase());
}

/** The sign that stands for who may see a project. */
export const VISIBILITY_SIGNS = { private: 'lock', internal: 'people', public: 'globe' } as const;
