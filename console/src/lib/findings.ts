// What the doctor found, in the language of the page; in the server's own words where it sends a kind that is newer.
import type { Schema } from '../api/client';
import { isKey, t, word } from '../i18n/index.svelte';

type Finding = Schema<'Finding'>;

export function findingOf(found: Finding): string {
  return said(`doctor.finding.${found.kind}`, found) ?? found.finding;
}

export function remedyOf(found: Finding): string | null {
  return said(`doctor.remedy.${found.kind}`, found) ?? found.remedy ?? null;
}

function said(key: string, { values = {} }: Finding): string | null {
  const named = Object.entries(values).map(([name, value]) => [name, word(`doctor.value.${name}`, value)]);
  return isKey(key) ? t(key, Object.fromEntries(named)) : null;
}
