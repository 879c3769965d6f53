// In Chinese: no page says a sentence in English, refusals and fields say what to do, a dry run says which rule decided.
import { expect, test, type Page } from '@playwright/test';
import { PAGES } from './places';
import { open, settled, signedIn, texts } from './support';

test.use({ locale: 'zh-CN' });

const t = texts('zh-CN');

/** Names, code and logs are nobody's language, and what the server said of a refusal finds its place in them. */
const FOREIGN = 'code, pre, kbd, samp, input, textarea, noscript, .trouble .why';

/** Three words in a row are a sentence, or the beginning of one. */
const SENTENCE = /[A-Za-z]{2,}(?:[ ,;:]+[A-Za-z]{2,}){2,}/;

/** What people and browsers say of themselves. */
const THEIRS = ['may go to production', 'The platform team', 'Mozilla/5.0'];

/** The texts that hold a sentence in English, attributes that are read out included. */
async function english(page: Page): Promise<string[]> {
  const said = await page.evaluate((foreign) => {
    const found: string[] = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const inside = walker.currentNode.parentElement;
      if (inside && !inside.closest(`${foreign}, script, style`)) found.push(walker.currentNode.textContent ?? '');
    }
    for (const name of ['title', 'aria-label', 'placeholder', 'alt']) {
      for (const element of document.querySelectorAll(`[${name}]:not(code, code *)`)) {
        found.push(element.getAttribute(name) ?? '');
      }
    }
    // Commands stand between backticks.
    return found.map((text) =>
      text
        .replace(/`[^`]*`/g, '')
        .replace(/\s+/g, ' ')
        .trim(),
    );
  }, FOREIGN);
  return said.filter((text) => SENTENCE.test(text) && !THEIRS.some((theirs) => text.includes(theirs)));
}

test('no page says a sentence in English', async ({ page }) => {
  await signedIn(page, 'admin');
  const heard: Record<string, string[]> = {};
  for (const { name, path } of PAGES) {
    await open(page, path());
    const said = await english(page);
    if (said.length > 0) heard[name] = said;
  }
  expect(heard).toEqual({});
});

test('a refusal says what it is and what to do, with the words of the server below', async ({ page }) => {
  await open(page, 'sign-in');
  await page.getByLabel(t('signIn.name')).fill('nobody');
  await page.getByLabel(t('signIn.password')).fill('wrong-password');
  await page.getByRole('button', { name: t('signIn.action') }).click();
  const trouble = page.getByRole('alert');
  await expect(trouble).toContainText(t('trouble.401.what'));
  await expect(trouble).toContainText(t('trouble.401.do'));

  await signedIn(page, 'admin');
  await open(page, 'projects');
  await page.getByRole('button', { name: t('projects.new') }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel(t('name')).fill('team');
  await dialog.getByRole('button', { name: t('create') }).click();
  await expect(trouble).toContainText(t('trouble.409.what'));
});

test('what the registry denies everybody is told from what a role does not permit', async ({ page }) => {
  await signedIn(page, 'manager');
  await open(page, 'projects/team/labels');
  for (const [code, kind] of [
    ['DENIED', 'denied'],
    ['FORBIDDEN', '403'],
  ]) {
    const refusal = { errors: [{ code, message: 'because' }] };
    await page.route('**/api/v2.0/labels?*', (route) => route.fulfill({ status: 403, json: refusal }));
    await page.reload();
    await settled(page);
    await expect(page.getByRole('alert')).toContainText(t(`trouble.${kind}.what`));
    await page.unroute('**/api/v2.0/labels?*');
  }
});

test('a field says in the language of the page what it takes', async ({ page }) => {
  await signedIn(page, 'admin');
  await open(page, 'users');
  await page.getByRole('button', { name: t('users.new') }).click();
  const dialog = page.getByRole('dialog');
  const [name, password] = [dialog.getByLabel(t('signIn.name')), dialog.getByLabel(t('signIn.password'))];
  const complaint = async () => {
    await dialog.getByRole('button', { name: t('create') }).click();
    return page.evaluate(() => {
      const wrong = document.querySelector<HTMLInputElement>('dialog input:invalid');
      return wrong?.validationMessage;
    });
  };
  expect(await complaint()).toBe(t('field.missing'));
  await name.fill('a name');
  expect(await complaint()).toBe(t('users.nameHint'));
  await name.fill('lin');
  await password.pressSequentially('short');
  expect(await complaint()).toBe(t('field.short', { count: '8' }));
  await password.fill('long enough');
  expect(await complaint()).toBeUndefined();
  await expect(dialog).toHaveCount(0);
});

test('a dry run of the retention is heard of as it ends, and says in Chinese which rule decided', async ({ page }) => {
  const asked: string[] = [];
  page.on('request', (request) => asked.push(request.url()));
  await signedIn(page, 'admin');
  await open(page, 'projects/open/retention');
  await expect.poll(() => asked.some((url) => url.includes('/events?topics=job'))).toBe(true);
  await page.getByRole('button', { name: t('rules.new') }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel(t('retention.keep')).selectOption({ label: t('retention.template.latestPushedK') });
  await dialog.getByLabel(t('retention.amount')).fill('1');
  await dialog.getByRole('button', { name: t('save') }).click();
  await page.getByRole('button', { name: t('retention.dryRun') }).click();
  await expect(page.getByRole('cell', { name: t('retention.status.Succeed') })).toBeVisible({ timeout: 60_000 });
  await page
    .getByRole('button', { name: t('log.more') })
    .first()
    .click();
  await expect(dialog).toContainText(t('retention.why.pushed_last', { rule: '1', count: '1' }));
});
