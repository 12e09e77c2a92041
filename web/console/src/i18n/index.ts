import { effect } from '@preact/signals';
import { createI18n, type Locale, locales, type Message, preferredLocale } from '../../../shared/i18n/engine';
import * as format from '../../../shared/i18n/format';
import type { Failure } from '../protocol/failure';
import { language } from '../state/prefs';
import en from './en.json';
import ptBR from './pt-BR.json';

export type Key = keyof typeof ptBR;

const catalogues: Record<Locale, Readonly<Record<Key, Message>>> = { 'pt-BR': ptBR, en };

const i18n = createI18n<Key>(catalogues, preferredLocale(language.peek() || null, navigator.languages));

export const { locale, t, word, has } = i18n;
export { locales };

effect(() => {
  document.documentElement.lang = locale.value;
});

export function chooseLocale(next: Locale): void {
  language.value = next;
  locale.value = next;
}

export const clock = format.formatClock;
export const phone = format.formatPhone;
export const duration = (ms: number) => format.formatDuration(locale.value, ms);
export const money = (cents: number) => format.formatMoney(locale.value, cents);
export const percent = (ratio: number) => format.formatPercent(locale.value, ratio);
export const time = (at: string) => format.formatTime(locale.value, new Date(at));
export const timeSeconds = (at: string) => format.formatTimeSeconds(locale.value, new Date(at));
export const day = (at: string, now = new Date()) => format.formatDay(locale.value, new Date(at), now);
export const dayTime = (at: string, now = new Date()) => format.formatDayTime(locale.value, new Date(at), now);
export const shortTime = (at: string, now = new Date()) => format.formatShort(locale.value, new Date(at), now);

/** failureText says an error in words: by code, else by kind with the server's own detail, and from when it may work. */
export function failureText(failure: Failure): string {
  const base = has(`error.${failure.code}`) ? t(`error.${failure.code}` as Key) : kindText(failure);
  if (!failure.nextAllowedAt) return base;
  return `${base} ${t('error.next_allowed', { when: dayTime(failure.nextAllowedAt) })}`;
}

function kindText(failure: Failure): string {
  const text = word('error.kind', failure.kind, 'error.kind.internal');
  const detail = failure.detail || failure.code;
  return detail ? `${text} ${t('error.detail', { detail })}` : text;
}
