// A server as a user starts it, in a folder of its own.
import { spawn } from 'node:child_process';
import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PASSWORD } from './place';

const PATIENCE = 30_000;

export interface Running {
  base: string;
  pid: number;
  folder: string;
}

/** Starts a server on a port that is free, and waits until it listens. */
export async function start(): Promise<Running> {
  const binary = process.env.HYTHE_BIN;
  if (!binary) throw new Error('HYTHE_BIN names the binary; cargo xtask test sets it');
  const folder = mkdtempSync(join(tmpdir(), 'hythe-console-'));
  const log = join(folder, 'log');
  const output = openSync(log, 'w');
  const others = Object.entries(process.env).filter(([name]) => !name.startsWith('HYTHE_'));
  const child = spawn(binary, ['serve', '--data', join(folder, 'data'), '--listen', '127.0.0.1:0'], {
    env: { ...Object.fromEntries(others), HYTHE_ADMIN_PASSWORD: PASSWORD },
    stdio: ['ignore', output, output],
    detached: true,
  });
  child.unref();
  if (child.pid === undefined) throw new Error(`${binary} cannot be started`);
  return { base: await listening(log), pid: child.pid, folder };
}

/** Ends a server and removes what it kept. */
export async function stop({ pid, folder }: Running): Promise<void> {
  process.kill(pid, 'SIGTERM');
  while (isAlive(pid)) await new Promise((resolve) => setTimeout(resolve, 50));
  rmSync(folder, { recursive: true, force: true });
}

async function listening(log: string): Promise<string> {
  const until = Date.now() + PATIENCE;
  while (Date.now() < until) {
    const found = readFileSync(log, 'utf8').match(/listening on (http:\/\/[\d.]+:\d+)/);
    if (found?.[1]) return found[1];
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`the server did not start:\n${readFileSync(log, 'utf8')}`);
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
