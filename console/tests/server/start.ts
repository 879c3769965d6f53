// Starts a server as a user starts it, and fills it: people of every role, and images pushed by a real client.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { test } from '@playwright/test';
import { fill } from './content';
import { PLACE } from './place';
import { start } from './process';

test('a server starts and is filled', async () => {
  test.setTimeout(180_000);
  const { base, pid, folder } = await start();
  const write = (audit: string) => writeFileSync(PLACE, JSON.stringify({ base, pid, folder, audit }));
  mkdirSync(dirname(PLACE), { recursive: true });
  write('');
  write(await fill(base, folder));
});
