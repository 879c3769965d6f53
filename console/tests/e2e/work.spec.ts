// Work in the background as people see it: jobs, queues, schedules, audits of the storage, and how a page hears of them.
import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, type Page } from '@playwright/test';
import { asker, push } from '../server/content';
import { server } from '../server/place';
import { LANGUAGES, open, signedIn, texts, violations, type Locale } from './support';

const PURGE = { schedule: { type: 'Manual' }, parameters: { audit_retention_hour: 24_000, dry_run: true } };

interface Finding {
  kind: string;
  remedy: string | null;
  values?: Record<string, string>;
}

/** Asks for a purge of the audit log that only shows what would go; its number. */
async function purge(): Promise<string> {
  const answer = await asker(server().base)('POST', '/api/v2.0/system/purgeaudit/schedule', PURGE);
  return answer.headers.get('Location')?.split('/').pop() ?? '';
}

/** How often the page asks for the list of jobs from now on. */
function asked(page: Page): { times: number } {
  const count = { times: 0 };
  page.on('request', (request) => {
    if (request.url().includes('/api/v2.0/jobs?')) count.times += 1;
  });
  return count;
}

for (const locale of Object.keys(LANGUAGES) as Locale[]) {
  const t = texts(locale);

  test.describe(locale, () => {
    // They hold back the same queue.
    test.describe.configure({ mode: 'serial' });
    test.use({ locale });
    test.beforeEach(async ({ page }) => signedIn(page, 'admin'));

    test('a job is found by its kind and state, and tells what it did', async ({ page }) => {
      const id = await purge();
      await open(page, 'jobs');
      await page.getByLabel(t('jobs.kind')).selectOption(t('jobs.kindOf.PURGE_AUDIT_LOG'));
      await page.getByLabel(t('state')).selectOption(t('jobs.state.succeeded'));
      await expect(page).toHaveURL(/kind=PURGE_AUDIT_LOG&state=succeeded/);
      const row = page.getByRole('row').filter({ has: page.getByRole('link', { name: t('jobs.one', { id }) }) });
      await expect(row).toContainText(t('jobs.state.succeeded'));
      await expect(row).toContainText(t('retention.dry'));
      await expect(page.getByRole('row').filter({ hasText: t('jobs.kindOf.STORAGE_AUDIT') })).toHaveCount(1);
      await row.getByRole('link').click();
      await expect(page.locator('pre')).toContainText('would remove');
      expect(await violations(page)).toEqual([]);
    });

    test('the doctor speaks the language of the page, and of what is newer than it the words of the server', async ({
      page,
    }) => {
      const newer = { check: 'nodes', status: 'warn', finding: 'a moon is full', kind: 'moon_full', remedy: 'wait' };
      await page.route('**/api/v2.0/doctor?*', async (route) => {
        const response = await route.fetch();
        const diagnosis = (await response.json()) as { findings: Finding[] };
        await route.fulfill({ response, json: { ...diagnosis, findings: [...diagnosis.findings, newer] } });
      });
      const answer = page.waitForResponse('**/api/v2.0/doctor?*');
      await open(page, 'doctor');
      const { findings } = (await (await answer).json()) as { findings: Finding[] };
      const lines = page.locator('main li .words');
      await expect(lines).toHaveCount(findings.length);
      for (const [at, { kind, remedy }] of findings.entries()) {
        if (kind === newer.kind) {
          await expect(lines.nth(at)).toHaveText(/a moon is full\s*wait/);
          continue;
        }
        const said = [`doctor.finding.${kind}`, ...(remedy ? [`doctor.remedy.${kind}`] : [])].map((key) => t(key));
        const parts = said.join('').split(/\{\w+\}/);
        for (const part of parts) await expect(lines.nth(at)).toContainText(part);
      }
      await expect(lines.filter({ hasText: /[{}]/ })).toHaveCount(0);
      const database = t('doctor.value.database.the database');
      const { schema = '' } = findings.find(({ kind }) => kind === 'schema_current')?.values ?? {};
      await expect(lines.filter({ hasText: t('doctor.finding.schema_current', { database, schema }) })).toHaveCount(1);
    });

    test('what waits is held back, stopped and let go on', async ({ page }) => {
      await open(page, 'jobs');
      const kind = t('jobs.kindOf.PURGE_AUDIT_LOG');
      await page.getByRole('button', { name: t('jobs.pauseKind', { kind }) }).click();
      const queue = page
        .getByRole('group', { name: t('jobs.queues') })
        .getByRole('row')
        .filter({ hasText: kind });
      await expect(queue).toContainText(t('jobs.held'));
      const id = await purge();
      const row = page.getByRole('row').filter({ has: page.getByRole('link', { name: t('jobs.one', { id }) }) });
      await expect(row).toContainText(t('jobs.state.pending'));
      expect(await violations(page)).toEqual([]);
      await page.getByRole('button', { name: t('jobs.stopOne', { id }) }).click();
      await expect(row).toContainText(t('jobs.state.stopped'));
      await expect(row.getByRole('button')).toHaveCount(0);
      await page.getByRole('button', { name: t('jobs.resumeKind', { kind }) }).click();
      await expect(queue).toContainText(t('jobs.open'));
    });

    test('schedules are listed, held back and let go on', async ({ page }) => {
      const body = { schedule: { type: 'Custom', cron: '0 30 4 * * 1' }, parameters: PURGE.parameters };
      const ask = asker(server().base);
      await ask('POST', '/api/v2.0/system/purgeaudit/schedule', body);
      await open(page, 'jobs');
      const row = page
        .getByRole('group', { name: t('jobs.schedules') })
        .getByRole('row')
        .filter({ hasText: '0 30 4 * * 1' });
      await expect(row).toContainText(t('jobs.kindOf.PURGE_AUDIT_LOG'));
      await page.getByRole('button', { name: t('jobs.pauseSchedules') }).click();
      await expect(page.getByText(t('jobs.schedulesHeld'))).toBeVisible();
      await page.getByRole('button', { name: t('jobs.resumeSchedules') }).click();
      await expect(page.getByText(t('jobs.schedulesHeld'))).toHaveCount(0);
      await ask('PUT', '/api/v2.0/system/purgeaudit/schedule', { schedule: { type: 'None' } });
    });

    test('a page hears what changes, without asking', async ({ page }) => {
      const stream = page.waitForResponse((response) => response.url().includes('/api/v2.0/events'));
      await open(page, 'jobs');
      expect((await stream).status()).toBe(200);
      await page.waitForTimeout(1_500);
      const quiet = asked(page);
      await page.waitForTimeout(4_500);
      expect(quiet.times).toBe(0);
      const id = await purge();
      await expect(page.getByRole('link', { name: t('jobs.one', { id }) })).toBeVisible();
    });

    test('where nothing can be heard the page asks', async ({ page }) => {
      await page.route('**/api/v2.0/events*', (route) => route.abort());
      await open(page, 'jobs');
      const id = await purge();
      await expect(page.getByRole('link', { name: t('jobs.one', { id }) })).toBeVisible();
    });

    test('the storage is audited, and what is wrong is named', async ({ page }) => {
      const stray = join(server().folder, 'data/blobs/blobs/stray');
      mkdirSync(stray, { recursive: true });
      writeFileSync(join(stray, 'nobodys'), 'nobody knows these bytes');
      utimesSync(join(stray, 'nobodys'), 1, 1);
      await open(page, 'storage-audits');
      await page.getByRole('button', { name: t('audits.start') }).click();
      const dialog = page.getByRole('dialog');
      await dialog.getByLabel(t('audits.rehash')).check();
      await dialog.getByLabel(t('audits.rate')).fill('500');
      await dialog.getByLabel(t('audits.repair')).check();
      expect(await violations(page)).toEqual([]);
      await dialog.getByRole('button', { name: t('audits.begin') }).click();
      await expect(page).toHaveURL(/storage-audits\/\d+$/);
      // The list, which names the same of each audit, may still be there.
      await expect(page.getByRole('button', { name: t('audits.start') })).toHaveCount(0);
      await expect(page.getByText(t('audits.rehashed'))).toBeVisible();
      await expect(page.locator('.badge').first()).not.toHaveText(t('jobs.state.pending'));
      await expect(page.locator('pre')).toContainText('objects,', { timeout: 30_000 });
      await expect(page.locator('pre')).toContainText('orphan');
      expect(await violations(page)).toEqual([]);
      // What failed is said where everybody begins, with the way to it.
      const id = page.url().split('/').pop() ?? '';
      await open(page, '');
      await page
        .getByRole('region', { name: t('overview.attention') })
        .locator(`a[href$="jobs/${id}"]`)
        .click();
      await expect(page.locator('pre')).toContainText('orphan');
    });

    test('what was pushed lately is charted', async ({ page }) => {
      await open(page, '');
      const charts = page.getByRole('region', { name: t('overview.activity') });
      await expect(charts.getByRole('img')).toHaveCount(3);
      await expect(charts.getByRole('img', { name: new RegExp(`^${t('overview.pushes')}: [1-9]`) })).toBeVisible();
      await expect(charts.getByRole('img', { name: new RegExp(`^${t('overview.stored')}: [1-9]`) })).toBeVisible();
      expect(await violations(page)).toEqual([]);
    });

    test('a project without room is pointed out', async ({ page }) => {
      const ask = asker(server().base);
      const project_name = `tight-${locale.toLowerCase()}`;
      await ask('POST', '/api/v2.0/projects', { project_name });
      push(server().base, server().folder, `${project_name}/app`, '1', (layout) => layout.image('tight', 1));
      const { project_id } = (await (await ask('GET', `/api/v2.0/projects/${project_name}`)).json()) as {
        project_id: number;
      };
      const at = `/api/v2.0/quotas/${project_id}`;
      const { used } = (await (await ask('GET', at)).json()) as { used: { storage: number } };
      await ask('PUT', at, { hard: { storage: used.storage } });
      await open(page, '');
      const region = page.getByRole('region', { name: t('overview.attention') });
      await expect(region).toContainText(t('overview.quotaTrouble', { name: project_name, share: '100%' }));
      expect(await violations(page)).toEqual([]);
    });
  });
}

test('who may see no jobs is refused them, and the stream too', async ({ page }) => {
  await signedIn(page, 'maintainer');
  await open(page, 'jobs');
  await expect(page.getByRole('alert').first()).toBeVisible();
  await expect(page.getByRole('button', { name: 'Hold schedules back' })).toHaveCount(0);
  await open(page, 'storage-audits');
  await expect(page.getByRole('alert').first()).toBeVisible();
  await expect(page.getByRole('button', { name: 'New audit' })).toHaveCount(0);
  await open(page, '');
  await expect(page.getByRole('region', { name: 'Needs attention' })).toHaveCount(0);
  await expect(page.getByRole('region', { name: 'The last 30 days' })).toHaveCount(0);
  const answer = await page.context().request.get(`${server().base}/api/v2.0/events`);
  expect(answer.status()).toBe(403);
});
