// What administrators do: members and why, robots and tokens whose secrets work, labels, the log, people, sources.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@playwright/test';
import { push } from '../server/content';
import { PASSWORD, server } from '../server/place';
import { open, signedIn, violations } from './support';

test.beforeEach(async ({ page }) => signedIn(page, 'admin'));

/** Whether a name and a secret open the registry. */
async function opens(name: string, secret: string): Promise<boolean> {
  const answer = await fetch(`${server().base}/service/token?service=hythe-registry&scope=repository:team/app:pull`, {
    headers: { Authorization: `Basic ${btoa(`${name}:${secret}`)}` },
  });
  return answer.ok;
}

test('a robot is made, pulls with its secret, gets another and is deleted', async ({ page }) => {
  await open(page, 'projects/team/robots');
  await page.getByRole('button', { name: 'New robot' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name').fill('puller');
  await expect(dialog.getByRole('group', { name: 'repository', exact: true }).getByLabel('pull')).toBeChecked();
  expect(await violations(page)).toEqual([]);
  await dialog.getByRole('button', { name: 'Create' }).click();
  await expect(dialog.getByText('It is shown this once.')).toBeVisible();
  expect(await violations(page)).toEqual([]);
  const secret = (await dialog.locator('.line').first().locator('code').textContent()) ?? '';
  expect(await opens('robot_team+puller', secret)).toBe(true);
  const host = new URL(server().base).host;
  const from = `docker://${host}/team/app:1.0`;
  execFileSync('skopeo', ['inspect', '--tls-verify=false', '--creds', `robot_team+puller:${secret}`, from]);

  await page.getByRole('button', { name: 'I have kept it' }).click();
  await page.getByRole('button', { name: 'New secret for robot_team+puller' }).click();
  await dialog.getByRole('button', { name: 'Make a new secret' }).click();
  await expect(dialog.getByText('It is shown this once.')).toBeVisible();
  const another = (await dialog.locator('.line').first().locator('code').textContent()) ?? '';
  expect(await opens('robot_team+puller', secret)).toBe(false);
  expect(await opens('robot_team+puller', another)).toBe(true);

  await page.getByRole('button', { name: 'I have kept it' }).click();
  await page.getByRole('button', { name: 'Delete robot_team+puller' }).click();
  await dialog.getByRole('button', { name: 'Delete' }).click();
  await expect(page.getByText('robot_team+puller', { exact: true })).toHaveCount(0);
  expect(await opens('robot_team+puller', another)).toBe(false);
});

test('a personal token is shown once and signs in', async ({ page }) => {
  await open(page, 'account/tokens');
  await page.getByRole('button', { name: 'New token' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name').fill('laptop');
  await dialog.getByLabel('For pulling and looking only').check();
  await dialog.getByRole('button', { name: 'Create' }).click();
  const secret = (await dialog.locator('.line').first().locator('code').textContent()) ?? '';
  expect(secret).toMatch(/^hythe_pat_/);
  expect(await opens('admin', secret)).toBe(true);
  await page.getByRole('button', { name: 'I have kept it' }).click();
  await expect(page.getByRole('cell', { name: 'laptop limited' })).toBeVisible();
});

test('a member is added, promoted and explained', async ({ page }) => {
  await open(page, 'users');
  await page.getByRole('button', { name: 'New user' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('User name').fill('newcomer');
  await dialog.getByLabel('E-mail').fill('newcomer@example.com');
  await dialog.getByLabel('Password').fill(PASSWORD);
  await dialog.getByRole('button', { name: 'Create' }).click();
  await expect(page.getByText('User newcomer was made.')).toBeVisible();

  await open(page, 'projects/open/members');
  await page.getByRole('button', { name: 'Add a member' }).click();
  await dialog.getByLabel('Name').fill('newcomer');
  await dialog.getByLabel('Role').selectOption({ label: 'Guest' });
  await dialog.getByRole('button', { name: 'Add' }).click();
  await page.getByLabel('Role of newcomer').selectOption({ label: 'Developer' });
  await expect(page.getByText('newcomer is Developer now.')).toBeVisible();

  await open(page, 'projects/open/permissions');
  await page.getByRole('textbox', { name: 'Who' }).fill('newcomer');
  await page.getByRole('combobox', { name: 'What' }).selectOption('repository:delete');
  await page.getByRole('button', { name: 'Explain' }).click();
  await expect(page.getByRole('status').filter({ hasText: 'newcomer' })).toContainText('may not');
  await page.getByRole('combobox', { name: 'What' }).selectOption('repository:push');
  await page.getByRole('button', { name: 'Explain' }).click();
  await expect(page.getByRole('status').filter({ hasText: 'newcomer' })).toContainText('developer');
});

test('a label is made, put on an artifact and taken off', async ({ page }) => {
  await open(page, 'projects/team/labels');
  await page.getByRole('button', { name: 'New label' }).click();
  await page.getByRole('dialog').getByLabel('Name').fill('audited');
  await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
  await expect(page.getByRole('cell', { name: 'audited', exact: true })).toBeVisible();
  await open(page, 'projects/team/repositories/app:1.0');
  await page.getByRole('button', { name: 'Add a label' }).click();
  await page.getByRole('button', { name: 'audited', exact: true }).click();
  await page.getByRole('button', { name: 'Take off audited' }).click();
  await expect(page.getByRole('button', { name: 'Take off audited' })).toHaveCount(0);
});

test('the log is searched, an event opened and the rest taken away as a file', async ({ page }) => {
  await open(page, 'log');
  await page.getByLabel('What', { exact: true }).selectOption('create');
  await page.getByLabel('On what').fill('team');
  await page.getByRole('button', { name: 'Search', exact: true }).click();
  await expect(page.getByRole('group', { name: 'Audit log' }).locator('tbody tr')).toHaveCount(1);
  await page.getByRole('button', { name: 'Details' }).click();
  await expect(page.getByRole('dialog')).toContainText('created project team');
  expect(await violations(page)).toEqual([]);
  await page.keyboard.press('Escape');
  const begun = page.waitForEvent('download');
  await page.getByRole('link', { name: 'Export' }).click();
  const file = readFileSync(await (await begun).path(), 'utf8')
    .trim()
    .split('\n');
  expect(file.map((line) => (JSON.parse(line) as { resource: string }).resource)).toEqual(['team']);
});

test('a source that does not answer is said to be so before anybody needs it', async ({ page }) => {
  await open(page, 'sources');
  await page.getByRole('button', { name: 'Add a directory' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name', { exact: true }).fill('office');
  await dialog.getByLabel('Servers').fill('ldap://127.0.0.1:9');
  await dialog.getByLabel('Where people are (base DN)').fill('dc=example,dc=com');
  expect(await violations(page)).toEqual([]);
  await dialog.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('button', { name: 'Test', exact: true }).click();
  await expect(page.getByRole('alert')).toContainText('127.0.0.1:9');
  await page.getByRole('button', { name: 'Delete office' }).click();
  await dialog.getByRole('button', { name: 'Delete' }).click();
  await expect(page.getByText('office was deleted.')).toBeVisible();
});

test('a role of our own is made of chosen permissions', async ({ page }) => {
  await open(page, 'roles');
  await page.getByRole('button', { name: 'New role' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name').fill('release-manager');
  await dialog
    .getByRole('group', { name: 'Tag', exact: true })
    .or(dialog.getByRole('group', { name: 'tag', exact: true }))
    .getByLabel('create')
    .check();
  await dialog.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByText('repository:pull, tag:create')).toBeVisible();
});

test('settings show where each value comes from, and change for everybody', async ({ page }) => {
  await open(page, 'settings');
  const row = page.getByRole('row').filter({ hasText: 'server.listen' });
  await expect(row).toContainText('flag --listen');
  await page.getByLabel('A line that everybody sees').fill('Maintenance on Sunday');
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByText('The settings are saved')).toBeVisible();
  await open(page, 'projects');
  await expect(page.getByText('Maintenance on Sunday')).toBeVisible();
  expect(await violations(page)).toEqual([]);
  await open(page, 'settings');
  await page.getByLabel('A line that everybody sees').fill('');
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByText('The settings are saved')).toBeVisible();
});

test('a limit of a project is set and counted anew', async ({ page }) => {
  await open(page, 'quotas');
  await page.getByRole('button', { name: 'Limit of open' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Storage limit').fill('2');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByRole('row').filter({ hasText: 'open' })).toContainText('2 GiB');
  await page.getByRole('button', { name: 'Count open anew' }).click();
  await expect(page.getByText('The count was right.')).toBeVisible();
});

test('a robot is told whose tokens it may sign in with', async ({ page }) => {
  await open(page, 'projects/team/robots');
  await page.getByRole('button', { name: 'Trust rules of robot_team+ci' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('button', { name: 'Add a rule' }).click();
  await dialog.getByLabel('Name').fill('pipeline');
  await dialog.getByLabel('Issuer').fill('https://ci.example.com');
  await dialog.getByLabel('Audience').fill('hythe');
  await dialog.getByLabel('Claims').fill('sub=project:team/*');
  expect(await violations(page)).toEqual([]);
  await dialog.getByRole('button', { name: 'Add', exact: true }).click();
  await expect(dialog.getByText('sub=project:team/*')).toBeVisible();
});

test('a rule keeps tags from being deleted, and the page says why', async ({ page }) => {
  await open(page, 'projects/open/immutable');
  await page.getByRole('button', { name: 'New rule' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('textbox', { name: 'Repositories' }).fill('hello');
  await dialog.getByRole('textbox', { name: 'Tags' }).fill('latest');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByRole('row').filter({ hasText: 'hello' })).toContainText('on');
  await open(page, 'projects/open/repositories/hello:latest');
  await page.getByRole('button', { name: 'Delete the tag latest' }).click();
  await dialog.getByRole('button', { name: 'Delete' }).click();
  await expect(dialog.getByRole('alert')).toContainText('immutable');
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await open(page, 'projects/open/immutable');
  await page.getByRole('button', { name: 'Delete the rule' }).click();
  await dialog.getByRole('button', { name: 'Delete' }).click();
  await expect(page.getByText('There is no rule')).toBeVisible();
});

test('a retention rule shows what would go, and which rule decided', async ({ page }) => {
  await open(page, 'projects/team/retention');
  await page.getByRole('button', { name: 'New rule' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('What is kept').selectOption({ label: 'the last pushed' });
  await dialog.getByLabel('How many').fill('1');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('button', { name: 'Show what would go' }).click();
  await expect(page.getByRole('cell', { name: 'done' })).toBeVisible({ timeout: 60_000 });
  await page.getByRole('button', { name: 'Details' }).first().click();
  await expect(dialog.getByText('goes').first()).toBeVisible();
  expect(await violations(page)).toEqual([]);
});

test('what was deleted comes back from the trash', async ({ page }) => {
  const folder = mkdtempSync(join(tmpdir(), 'hythe-trash-'));
  push(server().base, folder, 'open/mistake', '1', (layout) => layout.image('deleted by mistake', 1));
  await open(page, 'projects/open/repositories/mistake:1');
  await page.getByRole('button', { name: 'Delete', exact: true }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('button', { name: 'Delete' }).click();
  await expect(page.getByRole('button', { name: 'Undo' })).toBeVisible();
  await open(page, 'projects/open/trash');
  const row = page.getByRole('row').filter({ hasText: 'open/mistake' });
  await expect(row).toContainText('admin');
  await row.getByRole('button', { name: 'Restore', exact: true }).click();
  await expect(row).toHaveCount(0);
  await open(page, 'projects/open/repositories/mistake:1');
  await expect(page.getByText('docker pull')).toBeVisible();
});

test('a collection of garbage can be tried out, and tells what it did', async ({ page }) => {
  await open(page, 'garbage');
  await page.getByRole('button', { name: 'Show what would go' }).click();
  const row = page.getByRole('row').filter({ hasText: 'only shown' });
  await expect(row.first()).toContainText('done', { timeout: 60_000 });
  await row.first().getByRole('button', { name: 'Log' }).click();
  await expect(page.getByRole('dialog').locator('pre')).not.toBeEmpty();
});
