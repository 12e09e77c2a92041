import { describe, expect, it } from 'vitest';
import { createI18n, differences, fill, preferredLocale } from './engine';

describe('fill', () => {
  it('puts parameters in and leaves unknown names visible', () => {
    expect(fill('{a} of {b}', { a: 2 })).toBe('2 of {b}');
  });
});

describe('createI18n', () => {
  const i18n = createI18n(
    {
      'pt-BR': {
        plain: 'oi {name}',
        calls: { one: '{count} ligação', other: '{count} ligações' },
        'x.known': 'sim',
        'x.none': '?{word}',
      },
      en: {
        plain: 'hi {name}',
        calls: { one: '{count} call', other: '{count} calls' },
        'x.known': 'yes',
        'x.none': '?{word}',
      },
    },
    'pt-BR',
  );

  it('chooses the plural form and the language', () => {
    expect([0, 1, 2].map((count) => i18n.t('calls', { count }))).toEqual(['0 ligação', '1 ligação', '2 ligações']);
    i18n.locale.value = 'en';
    expect([0, 1, 2].map((count) => i18n.t('calls', { count }))).toEqual(['0 calls', '1 call', '2 calls']);
    expect(i18n.t('plain', { name: 'Ana' })).toBe('hi Ana');
  });

  it('says an unknown word of an open list by its fallback', () => {
    expect(i18n.word('x', 'known', 'x.none')).toBe('yes');
    expect(i18n.word('x', 'toString', 'x.none')).toBe('?toString');
  });
});

describe('preferredLocale', () => {
  it.each([
    ['en', ['pt-BR'], 'en'],
    [null, ['pt-PT', 'en'], 'pt-BR'],
    [null, ['en-US', 'pt-BR'], 'pt-BR'],
    [null, ['en-US'], 'en'],
    [null, ['de-DE'], 'pt-BR'],
    ['fr', ['en'], 'en'],
  ])('stored %s, browser %j: %s', (stored, languages, want) => {
    expect(preferredLocale(stored, languages)).toBe(want);
  });
});

describe('differences', () => {
  it('finds missing keys and other placeholders', () => {
    expect(differences({ a: 'x {n}', b: '1' }, { a: 'y {m}', c: '1' })).toEqual([
      'a: {n} / {m}',
      'b: missing in second',
      'c: missing in first',
    ]);
  });
});
