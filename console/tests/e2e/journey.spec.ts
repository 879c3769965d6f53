// What people do: from the first sign-in to taking a mistake back.
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@playwright/test';
import { push } from '../server/content';
import { PASSWORD, server } from '../server/place';
import { open, settled, signedIn } from './support';

test('sign in by keyboard alone, make a project and a robot, push, see the image, delete a tag, take it back', async ({
  page,
}) => {
  await open(page, 'sign-in');
  await page.getByLabel('User name').focus();
  await page.keyboard.type('admin');
  await page.keyboard.press('Tab');
  await page.keyboard.type(PASSWORD);
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { level: 1 })).toContainText('Hello');

  await page.getByRole('link', { name: 'Projects', exact: true }).click();
  await page.getByRole('button', { name: 'New project' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name').fill('journey');
  await dialog.getByLabel('Internal').check();
  await dialog.getByRole('button', { name: 'Create' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('journey');
  await expect(page.getByText('Nothing was pushed here yet')).toBeVisible();

  const parts = page.getByRole('navigation', { name: 'journey' });
  await parts.getByRole('link', { name: 'Robots' }).click();
  await page.getByRole('button', { name: 'New robot' }).click();
  await dialog.getByLabel('Name').fill('ci');
  await dialog.getByRole('button', { name: 'Create' }).click();
  await expect(dialog.getByText('It is shown this once.')).toBeVisible();
  const secret = (await dialog.locator('.line').first().locator('code').textContent()) ?? '';
  await page.getByRole('button', { name: 'I have kept it' }).click();

  const folder = mkdtempSync(join(tmpdir(), 'hythe-journey-'));
  const robot = `robot_journey+ci:${secret}`;
  push(server().base, folder, 'journey/web', '2.0', (layout) => layout.image('the web', 3), robot);
  await parts.getByRole('link', { name: 'Repositories' }).click();
  await page.getByRole('link', { name: 'web' }).click();
  await page.getByRole('link', { name: '2.0' }).click();
  await settled(page);
  await expect(page.getByText(`docker pull ${new URL(server().base).host}/journey/web:2.0`)).toBeVisible();
  await expect(page.getByText('RUN make part-0 of the web')).toBeVisible();
  await expect(page.getByRole('region', { name: 'Layers' }).locator('tbody tr')).toHaveCount(4);

  await page.getByRole('button', { name: 'Delete the tag 2.0' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await page.getByRole('button', { name: 'Undo' }).click();
  await open(page, 'projects/journey/repositories/web:2.0');
  await expect(page.getByRole('link', { name: '2.0', exact: true })).toBeVisible();
});

test('a tag that moved goes back to what it was', async ({ page }) => {
  await signedIn(page, 'admin');
  await open(page, 'projects/team/repositories/app:stable');
  await expect(page.getByText('RUN make part-0 of the second')).toBeVisible();
  const row = page.getByRole('row').filter({ has: page.getByRole('link', { name: 'stable' }) });
  await row.getByRole('button', { name: 'History' }).click();
  await page.getByRole('button', { name: 'Go back to this' }).first().click();
  await expect(page.getByText('stable points to')).toBeVisible();
  await expect(page.getByText('RUN make part-0 of the first')).toBeVisible();
});

test('a repository goes only after its name was typed', async ({ page }) => {
  const folder = mkdtempSync(join(tmpdir(), 'hythe-journey-'));
  push(server().base, folder, 'open/short-lived', '1', (layout) => layout.image('short', 1));
  await signedIn(page, 'admin');
  await open(page, 'projects/open');
  await page.getByRole('button', { name: 'Delete short-lived' }).click();
  const dialog = page.getByRole('dialog');
  await expect(dialog.getByRole('button', { name: 'Delete' })).toBeDisabled();
  await dialog.getByRole('textbox').fill('short-lived');
  await dialog.getByRole('button', { name: 'Delete' }).click();
  await expect(page.getByRole('link', { name: 'short-lived' })).toHaveCount(0);
});

test('language and colours are chosen and kept', async ({ page }) => {
  await signedIn(page, 'admin');
  await open(page, 'projects');
  await page.getByRole('button', { name: 'Language' }).click();
  await page.getByRole('button', { name: '简体中文' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('项目');
  await page.getByRole('button', { name: '配色' }).click();
  await page.getByRole('button', { name: '深色' }).click();
  await page.reload();
  await settled(page);
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('项目');
  await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark');
});

test('a list is searched, sorted and paged on the server', async ({ page }) => {
  await signedIn(page, 'admin');
  await open(page, 'projects');
  await page.getByRole('searchbox', { name: 'Search by name' }).fill('ope');
  await expect(page.getByRole('link', { name: 'team', exact: true })).toHaveCount(0);
  await expect(page.getByRole('link', { name: 'open', exact: true })).toBeVisible();
  await page.getByRole('searchbox', { name: 'Search by name' }).fill('no such name');
  await expect(page.getByText('Nothing fits')).toBeVisible();
});
