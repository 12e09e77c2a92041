import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import { formatClock, formatDayTime, formatPhone } from '../../../shared/i18n/format';
import { locale } from '../i18n';
import { now } from '../state/clock';
import type { Phone } from '../state/phone';

export const PhoneContext = createContext<Phone | undefined>(undefined);

/** usePhone is the phone around a component. */
export function usePhone(): Phone {
  const phone = useContext(PhoneContext);
  if (!phone) throw new Error('no phone around this component');
  return phone;
}

/** when writes a time of the simulator's clock relative to its present day. */
export function when(at: string): string {
  return formatDayTime(locale.value, new Date(at), new Date(now()));
}

/** since is a running timer from a time of the simulator's clock. */
export function since(at: string): string {
  return formatClock(now() - Date.parse(at));
}

/** initials are one or two letters for a face without a picture. */
export function initials(name: string): string {
  const words = name
    .trim()
    .split(/\s+/)
    .filter((part) => /^[\p{L}\p{N}]/u.test(part));
  const first = [...(words[0] ?? '')][0] ?? '';
  const last = words.length > 1 ? ([...(words.at(-1) ?? '')][0] ?? '') : '';
  return (first + last).toLocaleUpperCase();
}

/** tint chooses one of the six face colours, always the same for a key. */
export function tint(key: string): number {
  let sum = 0;
  for (const letter of key) sum = (sum * 31 + (letter.codePointAt(0) ?? 0)) % 9973;
  return sum % 6;
}

/** phoneText writes a number that came with or without its plus sign. */
export function phoneText(number: string): string {
  return formatPhone(/^\d+$/.test(number) ? `+${number}` : number);
}
