// Trouble in the language of the page.
import { Trouble } from '../api/trouble';
import { t, type Key } from '../i18n/index.svelte';
import { notify } from './notices.svelte';

const KNOWN = [0, 400, 401, 403, 404, 409, 412, 413, 422, 429, 502, 503, 507];

/** Refusals that their status does not tell: nobody may, whatever their role; the old password was wrong. */
const BY_CODE: Record<string, string> = { DENIED: 'denied', OLD_PASSWORD: 'oldPassword' };

/** Which of the texts about trouble says it. */
export function kindOf({ status, code }: Trouble): string {
  if (code && code in BY_CODE) return BY_CODE[code]!;
  if (status === 504) return '502';
  if (KNOWN.includes(status)) return String(status);
  return status >= 500 ? '500' : 'other';
}

/** A short word that it went wrong, and why in the server's words. */
export function notifyOf(thrown: unknown): void {
  const trouble = Trouble.of(thrown);
  const what = t(`trouble.${kindOf(trouble)}.what` as Key);
  notify(trouble.message ? t('trouble.short', { what, why: trouble.message }) : what);
}
