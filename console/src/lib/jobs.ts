// What can be said of a job from its state and its progress.
import type { Schema } from '../api/client';
import { word } from '../i18n/index.svelte';
import { number, size } from './format';

type Job = Schema<'Job'>;

export const STATES = ['pending', 'running', 'stopping', 'succeeded', 'failed', 'stopped'];

/** How a job's state is coloured. */
export const TONES: Record<string, string> = {
  succeeded: 'good',
  failed: 'bad',
  stopping: 'warn',
  stopped: 'warn',
  running: 'accent',
};

/** The names of counts that are bytes. */
const BYTES = ['freed_space', 'stored_bytes', 'read_bytes'];

export function isUnfinished({ state }: { state: string }): boolean {
  return state === 'pending' || state === 'running' || state === 'stopping';
}

/** How far it is, in counts that are not nought; the words for them are the kind's own. */
export function counts(job: Job): { name: string; value: string }[] {
  const progress = (job.progress ?? {}) as Record<string, unknown>;
  const counted = (progress.counts ?? progress) as Record<string, unknown>;
  return Object.entries(counted).flatMap(([name, value]) => {
    if (typeof value !== 'number' || value === 0) return [];
    return [named(name, value)];
  });
}

/** A count with its word, and in its unit. */
export function named(name: string, value: number): { name: string; value: string } {
  return { name: word('count', name), value: BYTES.includes(name) ? size(value) : number(value) };
}

/** Whether it only shows what it would do. */
export function isTrial(job: Job): boolean {
  const parameters = (job.parameters ?? {}) as Record<string, unknown>;
  return parameters.dry_run === true;
}
