import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { differences } from '../../../shared/i18n/engine';
import en from './en.json';
import ptBR from './pt-BR.json';

test('both languages have the same messages with the same parameters', () => {
  expect(differences(ptBR, en)).toEqual([]);
});

const folder = join(import.meta.dirname, '../ui');
const sources = readdirSync(folder)
  .filter((name) => /\.tsx?$/.test(name) && !name.includes('.test.'))
  .map((name) => ({ name, text: readFileSync(join(folder, name), 'utf8') }));

test('no text is written in the components', () => {
  for (const { name, text } of sources) {
    // words between tags, and words given to an attribute that people read or hear
    const between = text.match(/<\/?[a-z][^<>=]*>\s*[\p{L}]{3,}[^<>{}]*<\//gu) ?? [];
    const attributes = text.match(/\b(?:aria-label|title|placeholder|alt)="[^"]+"/g) ?? [];
    expect([name, ...between, ...attributes]).toEqual([name]);
  }
});

test('every message is used', () => {
  const code = [...sources.map((source) => source.text), readFileSync(join(folder, '../state/calls.ts'), 'utf8')].join(
    '\n',
  );
  const open = [
    'answer',
    'ended',
    'error',
    'language',
    'line',
    'message',
    'microphone',
    'preview',
    'reason',
    'reply',
    'system',
  ];
  const unused = Object.keys(ptBR).filter(
    (key) => !code.includes(`'${key}'`) && !open.includes(key.split('.')[0] ?? ''),
  );
  expect(unused).toEqual([]);
});
