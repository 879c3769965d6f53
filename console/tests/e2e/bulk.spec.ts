// Lists of a hundred thousand rows: the first page, going on, searching and sorting all stay quick.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test, type Page } from '@playwright/test';
import { asker, push } from '../server/content';
import { start, stop, type Running } from '../server/process';
import { open, signedIn } from './support';

const ROWS = 100_000;
const STEPS = 20;
/** A binary without optimisations on a busy machine; a page that reads its way down the list takes many times this. */
const QUICK = 2_500;

/**
 * Repositories without end, and one of them with artifacts and tags without end: each a copy of the row of the one that
 * was pushed, under a name of its own.
 */
const FILL = `
  PRAGMA foreign_keys = OFF;
  BEGIN;
  CREATE TEMP TABLE n AS WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < ${ROWS}) SELECT i FROM c;
  CREATE TEMP TABLE one AS SELECT r.id AS repository, t.digest AS digest FROM repository r JOIN tag t ON t.repository_id = r.id
    WHERE r.name = 'bulk/one' AND t.name = 'first';
  INSERT INTO repository (project_id, name, created_at, updated_at)
    SELECT project_id, printf('bulk/r%06d', i), created_at + i, updated_at FROM repository, n WHERE name = 'bulk/one';
  CREATE TEMP TABLE m AS SELECT * FROM manifest WHERE digest = (SELECT digest FROM one);
  CREATE TEMP TABLE a AS SELECT * FROM artifact WHERE digest = (SELECT digest FROM one);
  INSERT INTO manifest SELECT repository_id, printf('sha256:%064x', i), media_type, kind, artifact_type, subject, size,
    pushed_at - i, pushed_by, annotations, bytes FROM m, n;
  INSERT INTO artifact (project_id, repository_id, digest, kind, media_type, artifact_type, size, pushed_at, touched_at)
    SELECT project_id, repository_id, printf('sha256:%064x', i), kind, media_type, artifact_type, size, pushed_at - i,
    touched_at FROM a, n;
  INSERT INTO tag (repository_id, name, digest, updated_at, updated_by)
    SELECT repository, printf('t%06d', i), printf('sha256:%064x', i), 1, 'admin' FROM one, n;
  COMMIT;
  ANALYZE;
`;

let running: Running;

test.describe.configure({ mode: 'serial' });

test.beforeAll(async () => {
  running = await start();
  const ask = asker(running.base);
  await ask('POST', '/api/v2.0/projects', { project_name: 'bulk' });
  push(running.base, running.folder, 'bulk/one', 'first', (layout) => layout.image('one of many', 1));
  execFileSync('sqlite3', [join(running.folder, 'data/hythe.db')], { input: `.bail on\n.timeout 20000\n${FILL}` });
});

test.afterAll(() => stop(running));

test.beforeEach(async ({ page }) => signedIn(page, 'admin', running.base));

/** Does something and waits until the list shows it: how long that took. */
async function took(page: Page, act: () => Promise<unknown>, shows: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await act();
  await shows();
  await expect(page.locator('[aria-busy="true"]')).toHaveCount(0);
  return performance.now() - begun;
}

function report(what: string, times: number[]): void {
  const sorted = [...times].sort((a, b) => a - b);
  const shown = (share: number) => `${sorted[Math.floor((sorted.length - 1) * share)]?.toFixed(0)} ms`;
  console.log(`${what}: half within ${shown(0.5)}, all within ${shown(1)}`);
  expect(sorted.at(-1), what).toBeLessThan(QUICK);
}

/** Goes through pages, each of which must begin behind the one before, and looks how long each took. */
async function goThrough(page: Page, what: string, firstOf: (page: Page) => Promise<string>): Promise<void> {
  const times: number[] = [];
  let before = await firstOf(page);
  for (let step = 0; step < STEPS; step += 1) {
    const next = () => page.getByRole('button', { name: 'Next' }).click();
    times.push(await took(page, next, () => expect.poll(() => firstOf(page), { intervals: [20] }).not.toBe(before)));
    before = await firstOf(page);
  }
  expect(await page.locator('tbody tr').count()).toBeLessThanOrEqual(25);
  report(what, times);
}

const firstLink = (page: Page) => page.locator('tbody tr').first().locator('a').first().innerText();

test('repositories', async ({ page }) => {
  const shown = () => expect(page.getByText(/of 100,001/)).toBeVisible();
  report('first page of repositories', [await took(page, () => open(page, 'projects/bulk', running.base), shown)]);
  await goThrough(page, 'next page of repositories', firstLink);
  const sort = () => page.getByRole('button', { name: 'Name' }).click();
  const isFirst = () => expect(page.locator('tbody tr').first()).toContainText('one');
  report('repositories by name', [await took(page, sort, isFirst)]);
  await goThrough(page, 'next page by name', firstLink);
  const search = () => page.getByRole('searchbox', { name: 'Search by name' }).fill('r099999');
  report('one repository of them', [await took(page, search, () => expect(page.locator('tbody tr')).toHaveCount(1))]);
});

test('artifacts and their tags', async ({ page }) => {
  const path = 'projects/bulk/repositories/one';
  const shown = () => expect(page.getByText(/of 100,001/)).toBeVisible();
  report('first page of artifacts', [await took(page, () => open(page, path, running.base), shown)]);
  await goThrough(page, 'next page of artifacts', firstLink);
  const search = () => page.getByRole('searchbox', { name: 'Search by tag' }).fill('t099999');
  report('one artifact of them', [await took(page, search, () => expect(page.locator('tbody tr')).toHaveCount(1))]);
});
