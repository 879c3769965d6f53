// Signing in through real sources: an OpenID provider, the first time and again, and a directory.
import { expect, test, type Page } from '@playwright/test';
import { asker } from '../server/content';
import { start, stop, type Running } from '../server/process';
import { DIRECTORY_PASSWORD, directory, provider, type Source } from '../server/sources';
import { LANGUAGES, open, settled, texts, violations, type Locale } from './support';

const ALICE = { preferred_username: 'alice', email: 'alice@sso.test', name: 'Alice', groups: ['devs'] };
const BOB = { preferred_username: 'bob', email: 'bob@sso.test', name: 'Bob', groups: ['admins'] };

let running: Running;
let sources: Source[] = [];

test.describe.configure({ mode: 'serial' });

test.beforeAll(async () => {
  running = await start();
  const ask = asker(running.base);
  const sso = await provider(`${running.base}/c/oidc/callback`, { a1: ALICE, b2: BOB });
  const office = await directory(['carol', 'dave']);
  sources = [sso, office];
  await ask('POST', '/api/v2.0/identity-sources', {
    name: 'sso',
    kind: 'oidc',
    settings: { ...sso.settings, display_name: 'The office', administrator_group: 'admins' },
  });
  await ask('POST', '/api/v2.0/identity-sources', { name: 'office', kind: 'ldap', settings: office.settings });
});

test.afterAll(async () => {
  sources.forEach((source) => source.end());
  await stop(running);
});

/** At the provider: says who it is, and agrees to what is asked for. */
async function signInAtProvider(page: Page, subject: string): Promise<void> {
  await page.locator('input[name=login]').fill(subject);
  await page.locator('input[name=password]').fill('whatever');
  await page.locator('button[type=submit]').click();
  await page.locator('button[type=submit]').click();
}

for (const locale of Object.keys(LANGUAGES) as Locale[]) {
  const t = texts(locale);
  const subject = locale === 'en-US' ? 'a1' : 'b2';
  const name = `${locale === 'en-US' ? 'alice' : 'bob'}-at-work`;
  const person = locale === 'en-US' ? 'carol' : 'dave';

  test.describe(locale, () => {
    test.use({ locale });

    test('a provider sends somebody for the first time, who chooses a name', async ({ page }) => {
      await open(page, 'projects', running.base);
      await page
        .getByRole('link', { name: t('signIn.action') })
        .first()
        .click();
      await page.getByRole('link', { name: t('signIn.with', { name: 'The office' }) }).click();
      await signInAtProvider(page, subject);
      await expect(page).toHaveURL(/oidc-onboard/);
      await expect(page.getByRole('heading', { level: 1 })).toHaveText(t('onboard.title'));
      expect(await violations(page)).toEqual([]);
      await page.getByLabel(t('signIn.name')).fill('admin');
      await page.getByRole('button', { name: t('onboard.action') }).click();
      await expect(page.getByRole('alert')).toContainText('admin');
      await page.getByLabel(t('signIn.name')).fill(name);
      await page.getByRole('button', { name: t('onboard.action') }).click();
      await expect(page.getByRole('button', { name: t('account.menu', { name }) })).toBeVisible();
      // Bob is of the group that administers.
      await settled(page);
      await expect(page.getByRole('link', { name: t('users.title'), exact: true })).toHaveCount(
        subject === 'b2' ? 1 : 0,
      );
    });

    test('the second time they come back to the page they wanted', async ({ page }) => {
      await open(page, 'account/tokens', running.base);
      await expect(page).toHaveURL(/sign-in/);
      await page.getByRole('link', { name: t('signIn.with', { name: 'The office' }) }).click();
      await signInAtProvider(page, subject);
      await expect(page).toHaveURL(/account\/tokens$/);
      await expect(page.getByRole('button', { name: t('account.menu', { name }) })).toBeVisible();
    });

    test('a directory lets its people in, and nobody with a wrong password', async ({ page }) => {
      await open(page, 'sign-in', running.base);
      await page.getByLabel(t('signIn.name')).fill(person);
      await page.getByLabel(t('signIn.password')).fill('not this one');
      await page.getByRole('button', { name: t('signIn.action') }).click();
      await expect(page.getByRole('alert')).toBeVisible();
      await page.getByLabel(t('signIn.password')).fill(DIRECTORY_PASSWORD);
      await page.getByRole('button', { name: t('signIn.action') }).click();
      await expect(page.getByRole('heading', { level: 1 })).toContainText(person);
      await open(page, 'account', running.base);
      await expect(page.getByText(t('account.fromSource', { name: 'office' }))).toBeVisible();
      await expect(page.getByLabel(t('account.oldPassword'))).toHaveCount(0);
    });
  });
}
