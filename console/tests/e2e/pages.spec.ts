// Each page, in each language and both themes: whole, without complaint, accessible. The pictures are kept.
import { expect, test, type Browser, type Page } from '@playwright/test';
import { PAGES } from './places';
import { complaints, open, signedIn, violations } from './support';

// Pages are only looked at: any number of them at the same time.
test.describe.configure({ mode: 'parallel' });

interface Reader {
  page: Page;
  heard: string[];
}

const readers = new Map<string, Promise<Reader>>();

/** An administrator's window in this language and these colours, kept for all pages that this process looks at. */
async function readerOf(browser: Browser, locale: string, colorScheme: 'light' | 'dark'): Promise<Reader> {
  const name = `${locale} ${colorScheme}`;
  const make = async () => {
    const context = await browser.newContext({ locale, colorScheme, viewport: { width: 1280, height: 860 } });
    const page = await context.newPage();
    await signedIn(page, 'admin');
    return { page, heard: complaints(page) };
  };
  if (!readers.has(name)) readers.set(name, make());
  const reader = await readers.get(name)!;
  reader.heard.length = 0;
  return reader;
}

for (const locale of ['en-US', 'zh-CN']) {
  for (const colorScheme of ['light', 'dark'] as const) {
    test.describe(`${locale} ${colorScheme}`, () => {
      test.use({ locale, colorScheme });

      test('sign-in', async ({ page }) => {
        const heard = complaints(page);
        await open(page, 'sign-in');
        await page.screenshot({ path: `test-results/pages/sign-in-${locale}-${colorScheme}.png` });
        expect(await violations(page)).toEqual([]);
        expect(heard).toEqual([]);
      });

      for (const { name, path } of PAGES) {
        test(name, async ({ browser }) => {
          const { page, heard } = await readerOf(browser, locale, colorScheme);
          await open(page, path());
          await page.screenshot({ path: `test-results/pages/${name}-${locale}-${colorScheme}.png`, fullPage: true });
          expect(await page.locator('html').getAttribute('lang')).toBe(locale === 'zh-CN' ? 'zh-CN' : 'en');
          expect(await violations(page)).toEqual([]);
          // The page of trouble is about an answer that the browser reports too.
          expect(heard.filter((line) => name !== 'trouble' || !line.includes('404'))).toEqual([]);
        });
      }
    });
  }
}

test('on a narrow screen nothing but tables is wider than it', async ({ page }) => {
  await signedIn(page, 'admin');
  await page.setViewportSize({ width: 360, height: 740 });
  for (const { name, path } of PAGES) {
    await open(page, path());
    expect(await page.evaluate(() => document.documentElement.scrollWidth), name).toBeLessThanOrEqual(360);
  }
  await page.getByRole('button', { name: 'Menu' }).click();
  await expect(page.getByRole('link', { name: 'Projects' }).first()).toBeVisible();
});
