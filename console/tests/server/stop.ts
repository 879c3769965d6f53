// Ends the server and removes what it kept.
import { test } from '@playwright/test';
import { server } from './place';
import { stop } from './process';

test('the server ends', async () => {
  await stop(server());
});
