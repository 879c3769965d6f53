// Starts a server as a user starts it, and fills it: people of every role, and images pushed by a real client.
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, test } from '@playwright/test';
import { fill } from './content';
import { PASSWORD, PLACE } from './place';

const PATIENCE = 30_000;

test('a server starts and is filled', async () => {
  test.setTimeout(180_000);
  const binary = process.env.HYTHE_BIN;
  expect(binary, 'HYTHE_BIN names the binary; cargo xtask test sets it').toBeTruthy();
  const folder = mkdtempSync(join(tmpdir(), 'hythe-console-'));
  const log = join(folder, 'log');
  const output = openSync(log, 'w');
  const others = Object.entries(process.env).filter(([name]) => !name.startsWith('HYTHE_'));
  const child = spawn(binary as string, ['serve', '--data', join(folder, 'data'), '--listen', '127.0.0.1:0'], {
    env: { ...Object.fromEntries(others), HYTHE_ADMIN_PASSWORD: PASSWORD },
    stdio: ['ignore', output, output],
    detached: true,
  });
  const base = await listening(log);
  mkdirSync(dirname(PLACE), { recursive: true });
  writeFileSync(PLACE, JSON.stringify({ base, pid: child.pid, folder }));
  child.unref();
  await fill(base, folder);
});

async function listening(log: string): Promise<string> {
  const until = Date.now() + PATIENCE;
  while (Date.now() < until) {
    const found = readFileSync(log, 'utf8').match(/listening on (http:\/\/[\d.]+:\d+)/);
    if (found?.[1]) return found[1];
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`the server did not start:\n${readFileSync(log, 'utf8')}`);
}
