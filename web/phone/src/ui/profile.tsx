import type { JSX } from 'preact';
import { t, word } from '../i18n';
import type { Chat } from '../protocol/types';
import { routeHash } from '../state/route';
import { ReturnBar } from './callbar';
import { phoneText, usePhone, when } from './context';
import { Icon } from './icons';
import { Face, LanguageSwitch } from './parts';

/** ProfileScreen shows the business: its number, when it can be called, and whether it may call. */
export function ProfileScreen({ chat }: { chat: Chat }): JSX.Element {
  const phone = usePhone();
  const user = phone.state.value?.user;
  return (
    <>
      <header class="head">
        <a
          class="round"
          href={routeHash({ screen: 'chat', pnid: chat.pnid })}
          aria-label={t('profile.back')}
          data-testid="profile-back"
        >
          <Icon name="back" />
        </a>
        <h1>{t('profile.title')}</h1>
      </header>
      <main class="body profile">
        <ReturnBar />
        <div class="profile-face">
          <Face name={chat.name} id={chat.pnid} large />
          <h2>{chat.name}</h2>
          <p class="soft">{phoneText(chat.display_phone_number)}</p>
        </div>
        <section class="panel">
          <h3>{t('profile.calls')}</h3>
          <p data-testid="profile-access">{accessText(chat)}</p>
          {chat.access.timezone && <p class="soft">{t('profile.timezone', { zone: chat.access.timezone })}</p>}
        </section>
        <PermissionPanel chat={chat} />
        {user && (
          <section class="panel">
            <h3>{t('profile.you')}</h3>
            <p>
              <strong>{user.name}</strong>
            </p>
            <dl>
              {user.wa_id && <Fact name={t('profile.youNumber')} value={phoneText(user.wa_id)} />}
              {user.username && <Fact name={t('profile.youUsername')} value={user.username} />}
              <Fact name={t('profile.youId')} value={user.user_id} />
            </dl>
            <LanguageSwitch />
          </section>
        )}
      </main>
    </>
  );
}

function accessText({ access }: Chat): string {
  if (!access.icon) return word('reason', access.reason ?? '', 'reason.other');
  if (access.open) return t('profile.callsOpen');
  return access.next_open ? t('profile.callsClosedUntil', { when: when(access.next_open) }) : t('profile.callsClosed');
}

function Fact({ name, value }: { name: string; value: string }): JSX.Element {
  return (
    <div class="fact">
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

function PermissionPanel({ chat }: { chat: Chat }): JSX.Element {
  const phone = usePhone();
  const { status, expires_at } = chat.permission;
  let text = t('permission.none', { name: chat.name });
  if (status === 'permanent') text = t('permission.always', { name: chat.name });
  if (status === 'temporary' && expires_at) text = t('permission.until', { name: chat.name, when: when(expires_at) });
  return (
    <section class="panel">
      <h3>{t('profile.permission')}</h3>
      <p role="status" data-testid="profile-permission" data-status={status}>
        {text}
      </p>
      <div class="choices">
        {status !== 'permanent' && (
          <button
            type="button"
            class="button"
            onClick={() => phone.permission(chat, 'grant_permanent')}
            data-testid="grant-permanent"
          >
            {t('permission.grantPermanent')}
          </button>
        )}
        {status === 'no_permission' && (
          <button
            type="button"
            class="button"
            onClick={() => phone.permission(chat, 'grant_temporary')}
            data-testid="grant-temporary"
          >
            {t('permission.grantTemporary')}
          </button>
        )}
        {status !== 'no_permission' && (
          <button
            type="button"
            class="button danger"
            onClick={() => phone.permission(chat, 'revoke')}
            data-testid="profile-revoke"
          >
            {t('permission.revokeLong')}
          </button>
        )}
      </div>
    </section>
  );
}
