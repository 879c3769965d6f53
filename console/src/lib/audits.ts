// What can be said of an audit of the storage.
import type { Schema } from '../api/client';
import { t } from '../i18n/index.svelte';
import { named } from './jobs';

type Audit = Schema<'StorageAudit'>;
type Name = keyof Schema<'StorageAuditCounts'>;

const LOOKED: Name[] = ['stored', 'stored_bytes', 'read_bytes'];
const FAULTS: Name[] = ['orphans', 'leftovers', 'missing', 'wrong_size', 'rotten', 'repaired'];

/** What it has looked at so far. */
export const looked = (audit: Audit) => some(audit, LOOKED);

/** What is wrong, and how much of that was put right; nothing where all is well. */
export const faults = (audit: Audit) => some(audit, FAULTS);

/** What it was asked to do beside looking. */
export function ways({ parameters }: Audit): string {
  const wanted = [parameters.rehash && t('audits.rehashed'), parameters.repair && t('audits.repaired')];
  return wanted.filter(Boolean).join(', ') || t('audits.listed');
}

function some(audit: Audit, names: Name[]) {
  return names.flatMap((name) => (audit.counts[name] ? [named(name, audit.counts[name] ?? 0)] : []));
}
