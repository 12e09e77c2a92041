import { type Signal, signal } from '@preact/signals';

// A small translation engine: flat typed catalogues, {name} placeholders, plural forms chosen by Intl.PluralRules from
// the parameter `count`. The locale is a signal, so whatever called t() while rendering draws itself anew.

export type Locale = 'pt-BR' | 'en';
export const locales: readonly Locale[] = ['pt-BR', 'en'];

/** A message is one text, or the plural forms of one; `other` is the fallback. */
export type Message = string | { one?: string; many?: string; other: string };
export type Params = Record<string, string | number>;

export interface I18n<K extends string> {
  locale: Signal<Locale>;
  t: (key: K, params?: Params) => string;
  /** word translates a word of an open list (`prefix.word`), or uses the fallback, which gets {word}. */
  word: (prefix: string, word: string, fallback: K, params?: Params) => string;
  has: (key: string) => boolean;
}

/** fill replaces {name} by the parameter of that name and leaves unknown names visible. */
export function fill(text: string, params: Params): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => (name in params ? String(params[name]) : whole));
}

const pluralRules = new Map<Locale, Intl.PluralRules>();

function choose(message: Message, locale: Locale, params: Params): string {
  if (typeof message === 'string') return message;
  let rules = pluralRules.get(locale);
  if (!rules) {
    rules = new Intl.PluralRules(locale);
    pluralRules.set(locale, rules);
  }
  const form = rules.select(Number(params['count'] ?? 0));
  return (form === 'one' || form === 'many' ? message[form] : undefined) ?? message.other;
}

/** createI18n binds catalogues to a locale; every catalogue must have the same keys (a test of each page checks it). */
export function createI18n<K extends string>(
  catalogues: Record<Locale, Readonly<Record<K, Message>>>,
  initial: Locale,
): I18n<K> {
  const locale = signal<Locale>(initial);
  const t = (key: K, params: Params = {}): string => {
    const message = catalogues[locale.value][key];
    return fill(choose(message, locale.value, params), params);
  };
  const has = (key: string): key is K => Object.hasOwn(catalogues[locale.value], key);
  const word = (prefix: string, name: string, fallback: K, params: Params = {}): string => {
    const key = `${prefix}.${name}`;
    return t(has(key) ? key : fallback, { ...params, word: name });
  };
  return { locale, t, word, has };
}

/** preferredLocale is what was chosen before, else what the browser asks for; pt-BR where neither says anything. */
export function preferredLocale(stored: string | null, languages: readonly string[]): Locale {
  if (stored === 'pt-BR' || stored === 'en') return stored;
  if (languages.some((tag) => tag.toLowerCase().startsWith('pt'))) return 'pt-BR';
  return languages[0]?.toLowerCase().startsWith('en') ? 'en' : 'pt-BR';
}

/** differences names the keys that one catalogue has and the other lacks, and placeholders that differ. */
export function differences(a: Record<string, Message>, b: Record<string, Message>): string[] {
  const out: string[] = [];
  for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) {
    const left = a[key];
    const right = b[key];
    if (left === undefined || right === undefined)
      out.push(`${key}: missing in ${left === undefined ? 'first' : 'second'}`);
    else if (placeholders(left) !== placeholders(right))
      out.push(`${key}: ${placeholders(left)} / ${placeholders(right)}`);
  }
  return out;
}

function placeholders(message: Message): string {
  const text = typeof message === 'string' ? message : message.other;
  return [...new Set(text.match(/\{\w+\}/g) ?? [])].sort().join(' ');
}
