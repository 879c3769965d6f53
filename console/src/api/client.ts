// The API's client, its types made from docs/api/openapi.json. What the console can do, curl can.
import createClient, { type Middleware } from 'openapi-fetch';
import type { components, paths } from './schema';
import { Trouble, troubleOf } from './trouble';

type Schemas = components['schemas'];
export type Schema<Name extends keyof Schemas> = Schemas[Name];

/** An answer of the client, as far as `ask` and `page` need it. */
type Answering<T> = Promise<{ data?: T; response: Response }>;

const CSRF_COOKIE = '__csrf=';

/** An address below the root that the console was reached at. */
export function address(path: string): string {
  return new URL(path, document.baseURI).href;
}

/** Whether a session was begun in this browser: its own cookie is kept from scripts, the one beside it is not. */
export function hasSession(): boolean {
  return document.cookie.split('; ').some((cookie) => cookie.startsWith(CSRF_COOKIE));
}

/** What every request says: that a script asks, that names are names, and that this page made it. */
export function headers(): Record<string, string> {
  const csrf = document.cookie.split('; ').find((cookie) => cookie.startsWith(CSRF_COOKIE));
  return {
    'X-Requested-With': 'XMLHttpRequest',
    'X-Is-Resource-Name': 'true',
    ...(csrf ? { 'X-Harbor-CSRF-Token': csrf.slice(CSRF_COOKIE.length) } : {}),
  };
}

const ours: Middleware = {
  onRequest({ request }) {
    for (const [name, value] of Object.entries(headers())) request.headers.set(name, value);
  },
  async onResponse({ response }) {
    if (!response.ok) throw await troubleOf(response);
  },
  onError: ({ error }) => (error instanceof Trouble ? error : Trouble.unreachable()),
};

export const api = createClient<paths>({ baseUrl: address('api/v2.0') });
api.use(ours);

/** The body of an answer. */
export async function ask<T>(answer: Answering<T>): Promise<T> {
  return (await answer).data as T;
}

/** One page of a list, how long the list is, and what asks for the next page. */
export interface Page<T> {
  items: T[];
  total: number;
  next: Cursor | null;
}

/** Where a page begins: the key that the `Link` header gave, and the page's number for lists without keys. */
export interface Cursor {
  page?: number;
  after?: string;
}

export async function page<T>(answer: Answering<T[]>): Promise<Page<T>> {
  const { data, response } = await answer;
  const items = data ?? [];
  const total = Number(response.headers.get('X-Total-Count') ?? items.length);
  return { items, total, next: nextOf(response.headers.get('Link')) };
}

export function nextOf(link: string | null): Cursor | null {
  const next = link?.match(/<([^>]*)>;\s*rel="next"/)?.[1];
  if (!next) return null;
  const query = new URL(next, 'http://any').searchParams;
  const after = query.get('after');
  return { page: Number(query.get('page') ?? 1), ...(after ? { after } : {}) };
}

/** A repository's name without its project, as a part of a path: its slashes are encoded twice on the way. */
export function part(repository: string): string {
  return encodeURIComponent(repository);
}

/** A request outside the described API: the registry's own protocol, and signing in and out. */
export async function plain(path: string, init: RequestInit = {}): Promise<Response> {
  const request = { ...init, headers: { ...headers(), ...(init.headers as Record<string, string>) } };
  const response = await fetch(address(path), request).catch(() => {
    throw Trouble.unreachable();
  });
  if (!response.ok) throw await troubleOf(response);
  return response;
}
