import type { Locale } from './engine';

// Formatters over native Intl. All are pure in (locale, value, now); formats are kept, since making one is slow.

const dateFormats = new Map<string, Intl.DateTimeFormat>();

function dateFormat(locale: Locale, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = locale + JSON.stringify(options);
  let format = dateFormats.get(key);
  if (!format) {
    format = new Intl.DateTimeFormat(locale, options);
    dateFormats.set(key, format);
  }
  return format;
}

export function formatTime(locale: Locale, at: Date): string {
  return dateFormat(locale, { hour: '2-digit', minute: '2-digit' }).format(at);
}

export function formatTimeSeconds(locale: Locale, at: Date): string {
  return dateFormat(locale, { hour: '2-digit', minute: '2-digit', second: '2-digit' }).format(at);
}

/** dayNumber counts local calendar days, so that differences are whole days whatever the clock change. */
export function dayNumber(at: Date): number {
  return Math.round(Date.UTC(at.getFullYear(), at.getMonth(), at.getDate()) / 86_400_000);
}

/** formatDay says today, yesterday or tomorrow by name, a near date by weekday, another with day and month. */
export function formatDay(locale: Locale, at: Date, now: Date): string {
  const days = dayNumber(at) - dayNumber(now);
  if (Math.abs(days) <= 1) return new Intl.RelativeTimeFormat(locale, { numeric: 'auto' }).format(days, 'day');
  if (Math.abs(days) < 7) return dateFormat(locale, { weekday: 'short', day: 'numeric', month: 'short' }).format(at);
  const year = at.getFullYear() === now.getFullYear() ? undefined : ('numeric' as const);
  return dateFormat(locale, { day: 'numeric', month: 'short', year }).format(at);
}

/** formatDayTime is formatDay with the time of day. */
export function formatDayTime(locale: Locale, at: Date, now: Date): string {
  return `${formatDay(locale, at, now)}, ${formatTime(locale, at)}`;
}

/** formatShort fits a list: the time today, else the day. */
export function formatShort(locale: Locale, at: Date, now: Date): string {
  return dayNumber(at) === dayNumber(now) ? formatTime(locale, at) : formatDay(locale, at, now);
}

/** formatClock is a running timer: 0:07, 12:05, 1:02:03. */
export function formatClock(ms: number): string {
  const total = Math.max(0, Math.floor(ms / 1000));
  const seconds = String(total % 60).padStart(2, '0');
  const minutes = Math.floor(total / 60) % 60;
  const hours = Math.floor(total / 3600);
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, '0')}:${seconds}` : `${minutes}:${seconds}`;
}

/** formatDuration is a length in words as short as the locale has them: "3 min 20 s". */
export function formatDuration(locale: Locale, ms: number): string {
  const total = Math.max(0, Math.round(ms / 1000));
  const part = (value: number, unit: string) =>
    new Intl.NumberFormat(locale, { style: 'unit', unit, unitDisplay: 'short' }).format(value);
  const hours = Math.floor(total / 3600);
  const minutes = Math.floor(total / 60) % 60;
  const seconds = total % 60;
  if (hours > 0) return `${part(hours, 'hour')} ${part(minutes, 'minute')}`;
  if (minutes > 0)
    return seconds > 0 ? `${part(minutes, 'minute')} ${part(seconds, 'second')}` : part(minutes, 'minute');
  return part(seconds, 'second');
}

export function formatMoney(locale: Locale, cents: number, currency = 'BRL'): string {
  return new Intl.NumberFormat(locale, { style: 'currency', currency }).format(cents / 100);
}

export function formatPercent(locale: Locale, ratio: number): string {
  return new Intl.NumberFormat(locale, { style: 'percent', maximumFractionDigits: 0 }).format(ratio);
}

/** formatPhone groups a Brazilian E.164 number as people write it and leaves others as they are. */
export function formatPhone(phone: string): string {
  const match = /^\+55(\d{2})(\d{4,5})(\d{4})$/.exec(phone);
  return match ? `+55 ${match[1]} ${match[2]}-${match[3]}` : phone;
}
