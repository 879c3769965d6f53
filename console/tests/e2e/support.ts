// What every browser test does: signs people in, listens for what the page complains of, asks axe.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { expect, type Page } from '@playwright/test';
import type { Person } from '../server/content';
import { PASSWORD, server } from '../server/place';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** How long nothing is asked for before a page counts as having what it asked for. */
const QUIET = 120;

export const LANGUAGES = { 'en-US': 'en', 'zh-CN': 'zh-CN' } as const;
export type Locale = keyof typeof LANGUAGES;

/** A text of the console in a language, without its places filled in. */
export function texts(locale: Locale): (key: string, values?: Record<string, string>) => string {
  const path = join(import.meta.dirname, '../../src/i18n', `${LANGUAGES[locale]}.json`);
  const all = JSON.parse(readFileSync(path, 'utf8')) as Record<string, string>;
  return (key, values = {}) => {
    const text = all[key];
    if (text === undefined) throw new Error(`there is no text ${key}`);
    return text.replace(/\{(\w+)\}/g, (whole, name: string) => values[name] ?? whole);
  };
}

const sessions = new Map<string, Cookies>();
type Cookies = Awaited<ReturnType<ReturnType<Page['context']>['cookies']>>;

/** A session's cookies, without the form: one session a person and process of tests, as signing in takes its time. */
export async function signedIn(page: Page, person: Person, base = server().base): Promise<void> {
  const whose = `${person} at ${base}`;
  const kept = sessions.get(whose);
  if (kept) return page.context().addCookies(kept);
  const form = { principal: person, password: PASSWORD };
  const answer = await page.context().request.post(`${base}/c/login`, { form });
  expect(answer.status()).toBe(200);
  sessions.set(whose, await page.context().cookies());
}

/** Opens a page of the console and waits until it has what it asked for. */
export async function open(page: Page, path: string, base = server().base): Promise<void> {
  watch(page);
  await page.goto(`${base}/${path}`);
  await settled(page);
}

export async function settled(page: Page): Promise<void> {
  await expect(page.locator('h1').first()).toBeVisible();
  const asked = watch(page);
  await expect.poll(() => asked.size === 0 && Date.now() - asked.changed > QUIET, { intervals: [40] }).toBe(true);
  await expect(page.locator('[aria-busy="true"]')).toHaveCount(0);
}

class Asked extends Set<unknown> {
  changed = Date.now();
}

const watched = new WeakMap<Page, Asked>();

/** The requests that a page waits for. A stream of events never ends, and no page waits for it. */
function watch(page: Page): Asked {
  const known = watched.get(page);
  if (known) return known;
  const asked = new Asked();
  watched.set(page, asked);
  const isStream = (request: { resourceType: () => string }) => request.resourceType() === 'eventsource';
  page.on('request', (request) => {
    if (!isStream(request)) asked.add(request);
    asked.changed = Date.now();
  });
  for (const end of ['requestfinished', 'requestfailed'] as const) {
    page.on(end as 'requestfinished', (request) => {
      asked.delete(request);
      asked.changed = Date.now();
    });
  }
  // Whatever another page was waiting for, nobody waits for any more.
  page.on('framenavigated', (frame) => {
    if (frame === page.mainFrame()) asked.changed = Date.now();
  });
  return asked;
}

/** What the browser complains of from now on: scripts that fail, the policy, requests to elsewhere. */
export function complaints(page: Page): string[] {
  const heard: string[] = [];
  page.on('pageerror', (error) => heard.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') heard.push(message.text());
  });
  page.on('request', (request) => {
    if (!request.url().startsWith(server().base) && !request.url().startsWith('data:')) heard.push(request.url());
  });
  return heard;
}

/** What axe finds; nothing is wanted. The script goes in by the debugger, past the page's policy. */
export async function violations(page: Page): Promise<string[]> {
  await page.evaluate(AXE.replace(/^/, 'var module; var define;') + ';undefined');
  return page.evaluate(async (rules) => {
    const axe = (window as unknown as { axe: { run: (context: Document, options: unknown) => Promise<Result> } }).axe;
    interface Result {
      violations: { id: string; nodes: { html: string; failureSummary: string }[] }[];
    }
    const result = await axe.run(document, { runOnly: rules });
    return result.violations.flatMap(({ id, nodes }) =>
      nodes.map((node) => `${id}: ${node.html} ${node.failureSummary}`),
    );
  }, RULES);
}
