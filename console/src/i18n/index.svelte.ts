// The console's two languages. A text has a key; both catalogues have every key, and a test says so.
import type en from './en.json';

export type Key = keyof typeof en;
export type Language = keyof typeof catalogues;
type Values = Record<string, string | number>;

const catalogues = {
  en: () => import('./en.json'),
  'zh-CN': () => import('./zh-CN.json'),
};

/** Each language in its own words. */
export const LANGUAGES: Record<Language, string> = { en: 'English', 'zh-CN': '简体中文' };

const KEPT = 'hythe.language';

const state = $state<{ language: Language; texts: Record<string, string> }>({ language: 'en', texts: {} });

/** The language that is shown. */
export const language = (): Language => state.language;

/** What was chosen here before, else the first of the browser's languages that there is. */
export function preferred(): Language {
  const kept = localStorage.getItem(KEPT);
  if (kept && kept in catalogues) return kept as Language;
  const first = navigator.languages.map((wanted) => wanted.toLowerCase().split('-')[0]);
  return first.find((name) => name === 'zh' || name === 'en') === 'zh' ? 'zh-CN' : 'en';
}

/** Shows everything in this language from now on. */
export async function speak(wanted: Language): Promise<void> {
  const texts = (await catalogues[wanted]()).default;
  Object.assign(state, { language: wanted, texts });
  document.documentElement.lang = wanted;
}

/** As `speak`, and remembers it in this browser. */
export async function choose(wanted: Language): Promise<void> {
  localStorage.setItem(KEPT, wanted);
  await speak(wanted);
}

/** The text of a key. `one||many` is chosen between by `count`; `{name}` is filled in from the values. */
export function t(key: Key, values: Values = {}): string {
  return fill(pick(state.texts[key] ?? key, values.count), values);
}

/** Whether there is a text of this name: for words that the server chooses. */
export function isKey(name: string): name is Key {
  return name in state.texts;
}

/** The text of a word that the server chose, or the word itself where it is newer than this console. */
export function word(prefix: string, name: string): string {
  const key = `${prefix}.${name}`;
  return isKey(key) ? t(key) : name;
}

function pick(text: string, count: string | number | undefined): string {
  const [one, many] = text.split('||');
  if (many === undefined || one === undefined) return text;
  return new Intl.PluralRules(state.language).select(Number(count)) === 'one' ? one : many;
}

function fill(text: string, values: Values): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = values[name];
    if (value === undefined) return whole;
    return typeof value === 'number' ? value.toLocaleString(state.language) : value;
  });
}
