// Two kinds of tests: those of plain modules, and those in a browser against a real server with pushed images.
import { existsSync } from 'node:fs';
import { defineConfig } from '@playwright/test';

const installed = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);
const executablePath = process.env.CONSOLE_BROWSER ?? installed;

export default defineConfig({
  outputDir: 'test-results',
  reporter: 'list',
  timeout: 180_000,
  expect: { timeout: 20_000 },
  workers: 2,
  forbidOnly: !!process.env.CI,
  projects: [
    { name: 'unit', testDir: 'tests/unit' },
    {
      name: 'browser',
      testDir: 'tests/e2e',
      use: {
        viewport: { width: 1280, height: 860 },
        screenshot: 'only-on-failure',
        launchOptions: {
          ...(executablePath ? { executablePath } : {}),
          args: [
            '--no-sandbox',
            '--disable-gpu',
            '--disable-quic',
            '--no-first-run',
            '--disable-background-networking',
          ],
        },
      },
      dependencies: ['server'],
    },
    { name: 'server', testDir: 'tests/server', testMatch: 'start.ts', teardown: 'stop' },
    { name: 'stop', testDir: 'tests/server', testMatch: 'stop.ts' },
  ],
});
