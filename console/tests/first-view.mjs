// What the first view of a page weighs and when it is painted: of a server's page, or of another console's built folder.
// npm run first-view -- http://127.0.0.1:5000/sign-in     npm run first-view -- FOLDER [PATH]
import { existsSync, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join } from 'node:path';
import { brotliCompressSync } from 'node:zlib';
import { chromium } from '@playwright/test';

const ROUNDS = 5;
const TYPES = {
  '.css': 'text/css',
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
};

/** Serves a folder as a good server would: compressed as far as it goes. What is not there is the page, but for the API. */
async function serve(folder) {
  const compressed = new Map();
  const server = createServer((request, answer) => {
    const { pathname } = new URL(request.url, 'http://any');
    if (pathname.startsWith('/v2/') || pathname.startsWith('/api/')) return answer.writeHead(401).end('{}');
    let file = join(folder, pathname);
    if (!existsSync(file) || statSync(file).isDirectory()) file = join(folder, 'index.html');
    const type = TYPES[extname(file)];
    const text = type !== undefined;
    if (!compressed.has(file)) compressed.set(file, text ? brotliCompressSync(readFileSync(file)) : readFileSync(file));
    const headers = { 'content-type': type ?? 'application/octet-stream' };
    answer.writeHead(200, text ? { ...headers, 'content-encoding': 'br' } : headers).end(compressed.get(file));
  });
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  return server;
}

async function look(browser, url) {
  const context = await browser.newContext();
  const page = await context.newPage();
  const session = await context.newCDPSession(page);
  await session.send('Network.enable');
  const seen = { bytes: 0, requests: 0, paint: 0 };
  session.on('Network.loadingFinished', (event) => {
    seen.bytes += event.encodedDataLength;
    seen.requests += 1;
  });
  await page.goto(url, { waitUntil: 'networkidle' });
  const paint = await page.waitForFunction(() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime);
  seen.paint = await paint.jsonValue();
  await context.close();
  return seen;
}

const [what, path = '/'] = process.argv.slice(2);
if (!what) throw new Error('say what to look at: an address, or a folder and a path');
const server = what.includes('://') ? undefined : await serve(what);
const url = server ? `http://127.0.0.1:${server.address().port}${path}` : what;
const installed = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);
const browser = await chromium.launch({
  executablePath: process.env.CONSOLE_BROWSER ?? installed,
  args: ['--no-sandbox', '--disable-gpu'],
});
await look(browser, url);
const rounds = [];
for (let round = 0; round < ROUNDS; round += 1) rounds.push(await look(browser, url));
const median = (key) => rounds.map((seen) => seen[key]).sort((one, other) => one - other)[(ROUNDS - 1) / 2];
console.log(
  `${(median('bytes') / 1024).toFixed(0)} KiB in ${median('requests')} requests, first paint after ${median('paint').toFixed(0)} ms`,
);
await browser.close();
server?.close();
