// What is wrong with a field before its form is sent, in the language of the page: a browser says it in its own.
import { t } from '../i18n/index.svelte';

type Control = HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement;

/** Where a form's fields are found wanting: the field says why, until it is changed. */
export function complain(event: Event): void {
  const control = event.target as Control;
  control.setCustomValidity(complaint(control));
  control.addEventListener('input', () => control.setCustomValidity(''), { once: true });
}

/** Nothing where the browser's own words have to do. */
function complaint(control: Control): string {
  const { validity } = control;
  const { min = '', max = '', minLength = 0, type = '' } = control as Partial<HTMLInputElement>;
  if (validity.valueMissing) return t('field.missing');
  if (validity.tooShort) return t('field.short', { count: minLength });
  if (validity.rangeUnderflow) return t('field.low', { limit: min });
  if (validity.rangeOverflow) return t('field.high', { limit: max });
  if (validity.badInput || validity.stepMismatch) return t('field.number');
  if (validity.typeMismatch) return type === 'email' ? t('field.email') : t('field.address');
  if (validity.patternMismatch) return hint(control) || t('field.pattern');
  return '';
}

/** What stands below the field says what it takes. */
function hint(control: Control): string {
  const id = control.getAttribute('aria-describedby');
  return (id && document.getElementById(id)?.textContent?.trim()) || '';
}
