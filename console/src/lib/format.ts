// Numbers, sizes and times as the reader's language writes them.
import { language, t } from '../i18n/index.svelte';

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
const STEPS: [Intl.RelativeTimeFormatUnit, number][] = [
  ['year', 31_536_000],
  ['month', 2_592_000],
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
];

export function number(value: number): string {
  return value.toLocaleString(language());
}

/** A share of a whole, from 0 to 1, in percent. */
export function percent(share: number): string {
  return share.toLocaleString(language(), { style: 'percent', maximumFractionDigits: 0 });
}

/** Bytes, in powers of 1,024 as docker and du count them. */
export function size(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const digits = unit === 0 || value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return `${value.toLocaleString(language(), { maximumFractionDigits: digits })} ${UNITS[unit]}`;
}

/** A whole date and time. */
export function moment(time: string | number): string {
  return new Date(time).toLocaleString(language(), { dateStyle: 'medium', timeStyle: 'medium' });
}

/** A day of UTC, as the registry counts them. */
export function day(time: string | number): string {
  return new Date(time).toLocaleDateString(language(), { dateStyle: 'medium', timeZone: 'UTC' });
}

/** How long ago, in the largest unit that fits. */
export function ago(time: string | number): string {
  const seconds = (new Date(time).getTime() - Date.now()) / 1000;
  const step = STEPS.find(([, length]) => Math.abs(seconds) >= length);
  if (!step) return t('time.now');
  const format = new Intl.RelativeTimeFormat(language(), { numeric: 'auto' });
  return format.format(Math.trunc(seconds / step[1]), step[0]);
}

/** Harbor says the first day of year 1 for never, and the beginning of the epoch for what was never changed. */
export function isNever(time: string | null | undefined): boolean {
  return !time || new Date(time).getTime() <= 0;
}

/** A digest as people read it aloud. */
export function short(digest: string): string {
  const [algorithm, hex] = digest.split(':');
  return hex ? `${algorithm}:${hex.slice(0, 12)}` : digest;
}

/** A text whose digests are at a length that people read. */
export function shortened(text: string): string {
  return text.replace(/(sha(?:256|512):[0-9a-f]{12})[0-9a-f]+/g, '$1');
}
