import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { chooseLocale, locale, t } from '../i18n';
import { listQuery, watchContacts } from '../state/contacts';
import { notificationsPutOff } from '../state/prefs';
import { askNotifications, notificationState } from '../state/ringing';
import { formatHash, type Place, route } from '../state/route';
import { agent, desk, link, retryNow } from '../state/store';
import { announce } from '../ui/announce';
import { Icon, type IconName } from '../ui/icons';
import { Button, Empty, Spinner } from '../ui/parts';
import { CallCard, hasCard } from './call-card';
import { ContactList } from './contact-list';
import { ConversationPane } from './conversation';
import { HistoryScreen } from './history';
import { Bell, Toasts } from './notices';
import { OfferModal } from './offer-modal';
import { PresenceMenu, setPresence } from './presence';
import { SettingsScreen } from './settings';

const places: ReadonlyArray<{ place: Place; icon: IconName }> = [
  { place: 'contacts', icon: 'people' },
  { place: 'history', icon: 'history' },
  { place: 'settings', icon: 'settings' },
];

/** Shell is the frame of every screen: bar on top, places at the side, the call card and the modals over all. */
export function Shell(): JSX.Element {
  useEffect(watchContacts, []);
  const place = route.value;
  return (
    <div class={`shell${hasCard() ? ' with-card' : ''}`}>
      <button type="button" class="skip" onClick={skipToMain}>
        {t('nav.skip')}
      </button>
      <header class="topbar">
        <span class="brand" aria-hidden="true">
          <span class="brand-mark">
            <Icon name="phone" size={16} />
          </span>
          <span class="brand-name">{t('title')}</span>
        </span>
        <ConnectionState />
        <span class="spacer" />
        <button
          type="button"
          class="button ghost language"
          data-testid="language-switch"
          aria-label={t('language.switch')}
          title={t('language.switch')}
          onClick={() => chooseLocale(locale.value === 'pt-BR' ? 'en' : 'pt-BR')}
        >
          {t('language.short')}
        </button>
        <Bell />
        <PresenceMenu />
      </header>
      <nav class="places" aria-label={t('nav.label')}>
        {places.map((entry) => (
          <a
            key={entry.place}
            href={formatHash({ place: entry.place, query: entry.place === 'contacts' ? listQuery() : undefined })}
            aria-current={place.place === entry.place ? 'page' : undefined}
            data-testid={`nav-${entry.place}`}
          >
            <Icon name={entry.icon} size={20} />
            <span>{t(`nav.${entry.place}`)}</span>
          </a>
        ))}
      </nav>
      <main id="main" tabIndex={-1}>
        <Banner />
        <h1 class="sr-only">{t(`nav.${place.place}`)}</h1>
        {desk.value.ready ? <Screen /> : <Spinner label={t('connection.connecting')} />}
      </main>
      <div class="dock">
        <CallCard />
      </div>
      <Toasts />
      <OfferModal />
    </div>
  );
}

function skipToMain(): void {
  document.getElementById('main')?.focus();
}

function Screen(): JSX.Element {
  const place = route.value;
  if (place.place === 'history') return <HistoryScreen />;
  if (place.place === 'settings') return <SettingsScreen />;
  return (
    <div class={`split${place.id ? ' open' : ''}`}>
      <ContactList />
      {place.id ? (
        <ConversationPane key={place.id} id={place.id} />
      ) : (
        <section class="nothing">
          <Empty title={t('contacts.choose')}>{t('contacts.choose_hint')}</Empty>
        </section>
      )}
    </div>
  );
}

/** ConnectionState is always visible; while the link is down it says what is being done about it. */
function ConnectionState(): JSX.Element {
  const state = link.value;
  const waiting = state.phase === 'waiting';
  const text = t(
    state.phase === 'open' ? 'connection.open' : state.attempt > 0 ? 'connection.lost' : 'connection.connecting',
  );
  useEffect(() => announce(text), [text]);
  return (
    <span class={`connection ${state.phase}`} data-testid="connection" data-phase={state.phase}>
      <span class="dot" aria-hidden="true" />
      <span class="connection-text">{text}</span>
      {waiting && (
        <Button small tone="ghost" testid="connection-retry" onClick={retryNow}>
          {t('connection.retry')}
        </Button>
      )}
    </span>
  );
}

/** Banner asks once for what the browser gives only after a click. */
function Banner(): JSX.Element | null {
  const attempts = link.value.attempt;
  if (attempts >= 2) {
    return (
      <p class="banner bad" role="status" data-testid="offline-banner">
        {t('connection.banner')}
      </p>
    );
  }
  if (agent.value?.presence === 'not_responding') {
    return (
      <div class="banner bad" role="status" data-testid="not-responding-banner">
        <p>{t('presence.missed_offers')}</p>
        <Button small testid="presence-return" onClick={() => void setPresence('available')}>
          {t('presence.return')}
        </Button>
      </div>
    );
  }
  if (notificationState.value !== 'default' || notificationsPutOff.value) return null;
  return (
    <div class="banner" data-testid="notifications-banner">
      <Icon name="bell" size={16} />
      <p>{t('notifications.why')}</p>
      <Button small testid="notifications-allow" onClick={() => void askNotifications()}>
        {t('notifications.ask')}
      </Button>
      <Button
        small
        tone="ghost"
        icon="close"
        label={t('notifications.put_off')}
        testid="notifications-put-off"
        onClick={() => {
          notificationsPutOff.value = 'yes';
        }}
      />
    </div>
  );
}
