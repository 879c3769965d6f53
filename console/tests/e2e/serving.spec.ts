// How the console is served: small, cached, compressed, under a policy, and below any prefix.
import { createServer, request as ask } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from '@playwright/test';
import { PASSWORD, server } from '../server/place';
import { open, settled } from './support';

const BUDGET = 300 * 1024;

test('the first view is small', async ({ page }) => {
  const session = await page.context().newCDPSession(page);
  await session.send('Network.enable');
  let bytes = 0;
  let requests = 0;
  session.on('Network.loadingFinished', (event) => {
    bytes += event.encodedDataLength;
    requests += 1;
  });
  await open(page, 'sign-in');
  const paint = await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime);
  console.log(
    `first view: ${(bytes / 1024).toFixed(1)} KiB in ${requests} requests, first paint after ${paint?.toFixed(0)} ms`,
  );
  expect(bytes).toBeGreaterThan(10_000);
  expect(bytes).toBeLessThan(BUDGET);
});

test('files are kept for ever and come compressed; the page is asked for each time', async ({ request }) => {
  const { base } = server();
  const page = await request.get(`${base}/projects/team`, { headers: { Accept: 'text/html' } });
  expect(page.headers()['content-security-policy']).toContain("default-src 'none'");
  expect(page.headers()['cache-control']).toBe('no-cache');
  const html = await page.text();
  expect(html).toContain('<base href="../"');
  const script = html.match(/src="\.\/(assets\/[^"]+\.js)"/)?.[1];
  for (const encoding of ['br', 'gzip']) {
    const file = await request.get(`${base}/${script}`, { headers: { 'Accept-Encoding': encoding } });
    expect(file.headers()['content-encoding']).toBe(encoding);
    expect(file.headers()['cache-control']).toContain('immutable');
    expect(file.headers()['content-type']).toContain('javascript');
  }
  expect((await request.get(`${base}/assets/gone-0.js`)).status()).toBe(404);
});

test('a client that asks for no page gets none', async ({ request }) => {
  const answer = await request.get(`${server().base}/projects/team`, { headers: { Accept: 'application/json' } });
  expect(answer.status()).toBe(404);
  expect((await answer.json()).errors[0].code).toBe('NOT_FOUND');
});

test('a wrong password is said in the page, and no browser asks for it again', async ({ page }) => {
  await open(page, 'sign-in');
  await page.getByLabel('User name').fill('admin');
  await page.getByLabel('Password').fill('wrong');
  const answer = page.waitForResponse((response) => response.url().endsWith('/c/login'));
  await page.getByRole('button', { name: 'Sign in' }).click();
  expect((await answer).headers()['www-authenticate']).not.toContain('Basic');
  await expect(page.getByRole('alert')).toContainText('the user name or the password is wrong');
  await expect(page.getByRole('alert')).toContainText('Request id');
});

test('below a prefix that a proxy takes away everything works', async ({ page }) => {
  const { base } = server();
  const proxy = createServer((incoming, outgoing) => {
    if (!incoming.url?.startsWith('/hub/')) return void outgoing.writeHead(404).end();
    const headers = { ...incoming.headers, 'x-forwarded-prefix': '/hub' };
    const onward = ask(base + incoming.url.slice('/hub'.length), { method: incoming.method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    incoming.pipe(onward);
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  const port = (proxy.address() as AddressInfo).port;
  const heard: string[] = [];
  page.on('response', (response) => {
    if (response.status() === 404) heard.push(response.url());
  });
  await page.goto(`http://127.0.0.1:${port}/hub/projects/team/repositories/app:1.1`);
  await page.getByRole('alert').getByRole('link', { name: 'Sign in' }).click();
  await page.getByLabel('User name').fill('admin');
  await page.getByLabel('Password').fill(PASSWORD);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByText(`docker pull 127.0.0.1:${port}/team/app:1.1`)).toBeVisible();
  await page.getByRole('link', { name: 'Projects' }).first().click();
  await settled(page);
  expect(new URL(page.url()).pathname).toBe('/hub/projects');
  await page.reload();
  await page.getByRole('link', { name: 'team' }).click();
  await expect(page.getByRole('link', { name: 'app', exact: true })).toBeVisible();
  expect(heard).toEqual([]);
  proxy.close();
});
