// Ends the server and removes what it kept.
import { rmSync } from 'node:fs';
import { test } from '@playwright/test';
import { server } from './place';

test('the server ends', async () => {
  const { pid, folder } = server();
  process.kill(pid, 'SIGTERM');
  while (isAlive(pid)) await new Promise((resolve) => setTimeout(resolve, 100));
  rmSync(folder, { recursive: true, force: true });
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
