import { effect } from '@preact/signals';
import { createI18n, type Locale, locales, type Message, preferredLocale } from '../../../shared/i18n/engine';
import en from './en.json';
import ptBR from './pt-BR.json';

export type Key = keyof typeof ptBR;

const storageKey = 'ramal.phone.locale';
const catalogues: Record<Locale, Readonly<Record<Key, Message>>> = { 'pt-BR': ptBR, en };

function stored(): string | null {
  try {
    return localStorage.getItem(storageKey);
  } catch {
    return null; // storage is off: the browser's language decides
  }
}

const i18n = createI18n<Key>(catalogues, preferredLocale(stored(), navigator.languages));

export const { locale, t, word, has } = i18n;
export { locales };

/** chooseLocale changes the language and remembers it where the browser lets us. */
export function chooseLocale(chosen: Locale): void {
  locale.value = chosen;
  try {
    localStorage.setItem(storageKey, chosen);
  } catch {
    // remembered only until the page is closed
  }
}

effect(() => {
  document.documentElement.lang = locale.value;
});
