// What every browser test does: signs people in, listens for what the page complains of, asks axe.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { expect, type Page } from '@playwright/test';
import type { Person } from '../server/content';
import { PASSWORD, server } from '../server/place';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** The session's cookies, without the form. */
export async function signedIn(page: Page, person: Person): Promise<void> {
  const form = { principal: person, password: PASSWORD };
  const answer = await page.context().request.post(`${server().base}/c/login`, { form });
  expect(answer.status()).toBe(200);
}

/** Opens a page of the console and waits until it has what it asked for. */
export async function open(page: Page, path: string): Promise<void> {
  await page.goto(`${server().base}/${path}`);
  await settled(page);
}

export async function settled(page: Page): Promise<void> {
  await expect(page.locator('h1').first()).toBeVisible();
  await page.waitForLoadState('networkidle');
  await expect(page.locator('[aria-busy="true"]')).toHaveCount(0);
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
