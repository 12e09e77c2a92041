import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { keypad } from '../audio/tones';
import { type Key, t } from '../i18n';
import type { Call } from '../protocol/types';
import { usePhone } from './context';

const names: Partial<Record<string, Key>> = { '*': 'call.keyStar', '#': 'call.keyHash' };
const shownDigits = 20;

/** Keypad sends tones; the keys of the keyboard work too while it is open. */
export function Keypad({ call }: { call: Call }): JSX.Element {
  const phone = usePhone();
  const [sent, setSent] = useState('');
  const press = (digit: string) => {
    setSent((before) => (before + digit).slice(-shownDigits));
    void phone.dtmf(call, digit);
  };
  const latest = useRef(press);
  latest.current = press;
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
      if ((keypad as readonly string[]).includes(event.key)) latest.current(event.key);
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, []);
  return (
    <div class="keypad" role="group" aria-label={t('call.keypadTitle')} data-testid="keypad">
      <p class="keypad-sent tabular" role="status" data-testid="keypad-sent">
        {sent && (
          <>
            <span class="sr-only">{t('call.digits', { digits: '' })}</span>
            {sent}
          </>
        )}
      </p>
      {keypad.map((digit) => {
        const name = names[digit];
        return (
          <button
            type="button"
            key={digit}
            class="key"
            aria-label={name ? t(name) : undefined}
            onClick={() => press(digit)}
            data-testid={`key-${digit}`}
          >
            {digit}
          </button>
        );
      })}
    </div>
  );
}
