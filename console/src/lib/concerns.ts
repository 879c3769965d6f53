// What somebody who runs the registry should look at: asked of whoever may see it, and silent where it cannot be had.
import { api, ask, page, type Cursor, type Schema } from '../api/client';
import { may } from './session.svelte';

export interface Concerns {
  quotas: Schema<'Quota'>[];
  jobs: Schema<'Job'>[];
  areSchedulesHeld: boolean;
}

/** The share of a limit from which on it counts as nearly used up. */
export const FULL = 0.9;

/** Failed jobs are a concern for so long, and so many of them. */
const DAYS = 3;
const JOBS = 5;
/** Projects beyond are left to the page of quotas: 1,000 are looked through. */
const PAGES = 10;

export async function readConcerns(): Promise<Concerns> {
  const [quotas, jobs, areSchedulesHeld] = await Promise.all([
    may('quota:list') || may('quota:update') ? fullQuotas().catch(() => []) : [],
    may('jobservice-monitor:list') ? failedJobs().catch(() => []) : [],
    may('jobservice-monitor:list') ? schedulesHeld().catch(() => false) : false,
  ]);
  return { quotas, jobs, areSchedulesHeld };
}

/** How much of its limit a project has used; nothing where it has none. */
export function share({ hard, used }: Schema<'Quota'>): number {
  return hard.storage > 0 ? used.storage / hard.storage : 0;
}

async function fullQuotas(): Promise<Schema<'Quota'>[]> {
  const full: Schema<'Quota'>[] = [];
  let next: Cursor | null = {};
  for (let count = 0; next && count < PAGES; count += 1) {
    const read: { items: Schema<'Quota'>[]; next: Cursor | null } = await page(
      api.GET('/quotas', { params: { query: { page_size: 100, ...next } } }),
    );
    full.push(...read.items.filter((quota) => share(quota) >= FULL));
    next = read.next;
  }
  return full;
}

async function failedJobs(): Promise<Schema<'Job'>[]> {
  const failed = await ask(api.GET('/jobs', { params: { query: { q: 'state=failed', page_size: JOBS } } }));
  const since = Date.now() - DAYS * 24 * 60 * 60 * 1000;
  return failed.filter((job) => new Date(job.end_time ?? job.creation_time).getTime() > since);
}

async function schedulesHeld(): Promise<boolean> {
  const path = { job_type: 'all' };
  return (await ask(api.GET('/schedules/{job_type}/paused', { params: { path } }))).paused;
}
