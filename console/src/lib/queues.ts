// Jobs of a kind, held back and let go on.
import { api, type Schema } from '../api/client';
import type { Loaded } from './loaded.svelte';
import { notifyOf } from './troubles';

/** Holds back what waits of a kind, or lets it go on; then looks how it stands. */
export async function hold(kind: string, isHeld: boolean, queues: Loaded<Schema<'JobQueue'>[]>): Promise<void> {
  try {
    const path = { job_type: kind };
    await api.PUT('/jobservice/queues/{job_type}', { params: { path }, body: { action: isHeld ? 'pause' : 'resume' } });
  } catch (thrown) {
    notifyOf(thrown);
  }
  await queues.load();
}
