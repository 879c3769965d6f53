// Every text in both languages: no key without one, no text without a use, the same places filled in.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@playwright/test';

const SOURCE = join(import.meta.dirname, '../../src');
const read = (name: string) => JSON.parse(readFileSync(join(SOURCE, 'i18n', name), 'utf8')) as Record<string, string>;
const en = read('en.json');
const zh = read('zh-CN.json');
const places = (text: string) => [...new Set(text.match(/\{\w+\}/g) ?? [])].sort();

/** The same in both languages on purpose. */
const SAME = /^(addition\.(readme|values)|kindOf\.|referrers\.sbom|resource\.sbom|tags\.title$|resource\.tag$)/;

const sources = readdirSync(SOURCE, { recursive: true, encoding: 'utf8' })
  .filter((name) => /\.(svelte|ts)$/.test(name) && !name.endsWith('schema.d.ts'))
  .map((name) => readFileSync(join(SOURCE, name), 'utf8'))
  .join('\n');

test('both languages have the same keys', () => {
  expect(Object.keys(zh).sort()).toEqual(Object.keys(en).sort());
});

test('no text is empty, and both fill in the same places', () => {
  for (const [key, text] of Object.entries(en)) {
    expect(text.trim(), key).not.toBe('');
    expect(zh[key]?.trim(), key).not.toBe('');
    expect(places(zh[key] ?? ''), key).toEqual(places(text));
  }
});

test('Chinese texts are Chinese', () => {
  const foreign = Object.entries(zh).filter(([key, text]) => !SAME.test(key) && !/[\u4e00-\u9fff]/.test(text));
  expect(foreign).toEqual([]);
});

test('Chinese texts have Chinese marks', () => {
  const wrong = Object.entries(zh).filter(([, text]) => /[\u4e00-\u9fff]\s*[,;:?!](\s|$)/.test(text));
  expect(wrong).toEqual([]);
});

test('every text is used', () => {
  const families = [...sources.matchAll(/(?:word\(\s*|[`'"])['"`]?([\w-]+(?:\.[\w-]+)*)(?:['"`],|\.\$\{)/g)].map(
    (found) => found[1],
  );
  const unused = Object.keys(en).filter(
    (key) => !sources.includes(`'${key}'`) && !families.some((family) => key.startsWith(`${family}.`)),
  );
  expect(unused).toEqual([]);
});
