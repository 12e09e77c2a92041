import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import type { Locale } from '../../../shared/i18n/engine';
import { chooseLocale, type Key, locale, locales, t, word } from '../i18n';
import { initials, tint, usePhone } from './context';
import { Icon } from './icons';

// Small pieces of several screens.

export function Face({ name, id, large = false }: { name: string; id: string; large?: boolean }): JSX.Element {
  return (
    <span class={`face tint-${tint(id)}${large ? ' large' : ''}`} aria-hidden="true">
      {initials(name)}
    </span>
  );
}

export function LanguageSwitch(): JSX.Element {
  return (
    <label class="language">
      <span>{t('language.label')}</span>
      <select
        data-testid="language"
        value={locale.value}
        onChange={(event) => chooseLocale(event.currentTarget.value as Locale)}
      >
        {locales.map((entry) => (
          <option key={entry} value={entry}>
            {t(`language.${entry}` as Key)}
          </option>
        ))}
      </select>
    </label>
  );
}

/** useFocusIn moves the focus into an overlay when it appears and gives it back when it goes. */
export function useFocusIn<T extends HTMLElement>() {
  const ref = useRef<T>(null);
  useLayoutEffect(() => {
    const before = document.activeElement instanceof HTMLElement ? document.activeElement : undefined;
    ref.current?.focus();
    return () => {
      requestAnimationFrame(() => {
        const lost = document.activeElement === null || document.activeElement === document.body;
        if (lost && before?.isConnected) before.focus();
      });
    };
  }, []);
  return ref;
}

/** Sheet is a dialog at the foot of the phone; Esc and the button close it. */
export function Sheet(props: { title: string; close: () => void; testid: string; children: ComponentChildren }) {
  const ref = useFocusIn<HTMLDivElement>();
  const { close } = props;
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key === 'Escape') close();
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, [close]);
  return (
    <div class="sheet-back">
      <div
        class="sheet"
        role="dialog"
        aria-modal="true"
        aria-labelledby="sheet-title"
        tabIndex={-1}
        ref={ref}
        data-testid={props.testid}
      >
        <div class="sheet-head">
          <h2 id="sheet-title">{props.title}</h2>
          <button type="button" class="round" aria-label={t('sheet.close')} onClick={close} data-testid="sheet-close">
            <Icon name="close" />
          </button>
        </div>
        {props.children}
      </div>
    </div>
  );
}

export function ConnectionBar(): JSX.Element {
  const phone = usePhone();
  const lost = phone.connection.value === 'lost';
  return (
    <div role="status">
      {lost && (
        <div class="bar warn">
          <span>{t('connection.lost')}</span>
          <button type="button" class="small" onClick={() => phone.retry()} data-testid="connection-retry">
            {t('connection.retry')}
          </button>
        </div>
      )}
    </div>
  );
}

export function NoticeBar(): JSX.Element {
  const phone = usePhone();
  const notice = phone.notice.value;
  return (
    <div class="notice-place" role="alert">
      {notice && (
        <div class="notice" data-testid="notice" data-code={notice.failure.code} key={notice.id}>
          <span>
            {notice.failure.reason
              ? word('reason', notice.failure.reason, 'reason.other')
              : word('error', notice.failure.code, 'error.other')}
          </span>
          <button
            type="button"
            class="round"
            aria-label={t('notice.close')}
            onClick={() => {
              phone.notice.value = undefined;
            }}
          >
            <Icon name="close" size={16} />
          </button>
        </div>
      )}
    </div>
  );
}
