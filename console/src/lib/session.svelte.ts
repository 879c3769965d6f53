// Who is here and what they may do. The server decides; this only keeps what nobody may do off the page.
import { api, ask, hasSession, plain, type Schema } from '../api/client';
import { Trouble } from '../api/trouble';

export type User = Schema<'UserResp'>;
export type Facts = Schema<'GeneralInfo'> & Partial<Schema<'ProtectedInfo'>>;

const state = $state<{ user: User | null; rights: Set<string>; facts: Facts | null }>({
  user: null,
  rights: new Set(),
  facts: null,
});

export const user = (): User | null => state.user;
export const facts = (): Facts | null => state.facts;

/** Whether the system's permission `resource:action` is held. */
export const may = (permission: string): boolean => state.rights.has(permission);

/** Looks who has signed in. Fails for nobody: a console without a server says so on each page. */
export async function begin(): Promise<void> {
  const [who, facts] = await Promise.all([
    hasSession() ? current().catch(() => null) : null,
    ask(api.GET('/systeminfo', {})).catch(() => null),
  ]);
  state.user = who;
  state.facts = facts as Facts | null;
  state.rights = who ? await rightsAt('') : new Set();
}

/** What the caller may do in a project; nothing where nobody has signed in. */
export async function rightsIn(projectId: number): Promise<Set<string>> {
  return state.user ? rightsAt(`/project/${projectId}`) : new Set();
}

export async function signIn(principal: string, password: string): Promise<void> {
  await plain('c/login', { method: 'POST', body: new URLSearchParams({ principal, password }) });
  await begin();
}

export async function signOut(): Promise<void> {
  await plain('c/log_out');
  await begin();
}

async function current(): Promise<User | null> {
  try {
    return await ask(api.GET('/users/current', {}));
  } catch (thrown) {
    if (Trouble.of(thrown).status === 401) return null;
    throw thrown;
  }
}

async function rightsAt(scope: string): Promise<Set<string>> {
  const query = scope ? { scope, relative: true } : {};
  const held = await ask(api.GET('/users/current/permissions', { params: { query } })).catch(() => []);
  return new Set(held.map((permission) => `${permission.resource}:${permission.action}`));
}
