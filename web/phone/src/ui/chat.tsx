import type { JSX } from 'preact';
import { useCallback, useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { formatDay } from '../../../shared/i18n/format';
import { locale, t } from '../i18n';
import type { Chat } from '../protocol/types';
import { now } from '../state/clock';
import { routeHash } from '../state/route';
import { timeline } from '../state/timeline';
import { ReturnBar } from './callbar';
import { usePhone, when } from './context';
import { Icon } from './icons';
import { MessageView } from './message';
import { Face } from './parts';

/** ChatScreen is the conversation with one business. */
export function ChatScreen({ chat }: { chat: Chat }): JSX.Element {
  return (
    <>
      <ChatHead chat={chat} />
      <main class="chat-main">
        <PermissionBar chat={chat} />
        <ReturnBar />
        <Log chat={chat} />
        <Composer chat={chat} />
      </main>
    </>
  );
}

function ChatHead({ chat }: { chat: Chat }): JSX.Element {
  const phone = usePhone();
  const { access } = chat;
  let line = t('chat.business');
  if (phone.placing.value === chat.pnid) line = t('call.placing');
  else if (access.icon && !access.open) {
    line = access.next_open ? t('chat.closedUntil', { when: when(access.next_open) }) : t('chat.closed');
  }
  return (
    <header class="head chat-head">
      {phone.chats.value.length > 1 && (
        <a class="round" href="#/" aria-label={t('chat.back')} data-testid="chat-back">
          <Icon name="back" />
        </a>
      )}
      <a
        class="who"
        href={routeHash({ screen: 'profile', pnid: chat.pnid })}
        aria-describedby="chat-about"
        data-testid="open-profile"
      >
        <Face name={chat.name} id={chat.pnid} />
        <span class="row-text">
          <h1>{chat.name}</h1>
          <span
            class={access.icon && !access.open ? 'warn-text' : 'soft'}
            data-testid="chat-line"
            data-open={access.open}
          >
            {line}
          </span>
        </span>
        <span class="sr-only" id="chat-about">
          {t('chat.profile', { name: chat.name })}
        </span>
      </a>
      {access.icon && (
        <button
          type="button"
          class={`round call-icon${access.open ? '' : ' closed'}`}
          aria-label={t('chat.call', { name: chat.name })}
          disabled={phone.placing.value !== ''}
          onClick={() => phone.callBusiness(chat.pnid)}
          data-testid="call-icon"
        >
          <Icon name="call" size={22} />
        </button>
      )}
    </header>
  );
}

function PermissionBar({ chat }: { chat: Chat }): JSX.Element | null {
  const phone = usePhone();
  const { status, expires_at } = chat.permission;
  if (status === 'no_permission') return null;
  return (
    <div class="bar" data-testid="permission-bar" data-status={status}>
      <Icon name="shield" size={16} />
      <span>
        {status === 'temporary' && expires_at
          ? t('permission.until', { name: chat.name, when: when(expires_at) })
          : t('permission.always', { name: chat.name })}
      </span>
      <button
        type="button"
        class="small"
        onClick={() => phone.permission(chat, 'revoke')}
        data-testid="permission-revoke"
      >
        {t('permission.revoke')}
      </button>
    </div>
  );
}

const nearPx = 80;

function Log({ chat }: { chat: Chat }): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const inner = useRef<HTMLDivElement>(null);
  const atEnd = useRef(true);
  const [away, setAway] = useState(false);
  const newest = chat.messages.at(-1)?.id ?? '';
  const own = chat.messages.at(-1)?.from === 'user';

  const toEnd = useCallback(() => {
    const element = box.current;
    if (element) element.scrollTop = element.scrollHeight;
  }, []);
  useLayoutEffect(() => {
    if (newest && (atEnd.current || own)) toEnd();
  }, [newest, own, toEnd]);
  useEffect(() => {
    if (!box.current || !inner.current) return;
    const observer = new ResizeObserver(() => {
      if (atEnd.current) toEnd();
    });
    observer.observe(box.current);
    observer.observe(inner.current);
    return () => observer.disconnect();
  }, [toEnd]);
  const onScroll = () => {
    const element = box.current;
    if (!element) return;
    atEnd.current = element.scrollHeight - element.scrollTop - element.clientHeight < nearPx;
    setAway(!atEnd.current);
  };

  return (
    <div class="log-place">
      <div
        class="log"
        ref={box}
        onScroll={onScroll}
        role="log"
        aria-label={t('chat.log', { name: chat.name })}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a keyboard must be able to scroll it
        tabIndex={0}
        data-testid="messages"
      >
        <div class="log-inner" ref={inner}>
          {chat.messages.length === 0 && <p class="day">{t('chat.empty', { name: chat.name })}</p>}
          {timeline(chat.messages).map((entry) =>
            entry.type === 'day' ? (
              <p class="day" key={entry.key}>
                {formatDay(locale.value, entry.at, new Date(now()))}
              </p>
            ) : (
              <MessageView key={entry.key} chat={chat} message={entry.message} quoted={entry.quoted} />
            ),
          )}
        </div>
      </div>
      {away && (
        <button type="button" class="round to-end" aria-label={t('chat.newest')} onClick={toEnd}>
          <Icon name="down" />
        </button>
      )}
    </div>
  );
}

const longestText = 4096;

function Composer({ chat }: { chat: Chat }): JSX.Element {
  const phone = usePhone();
  const [text, setText] = useState('');
  const [sending, setSending] = useState(false);
  const area = useRef<HTMLTextAreaElement>(null);
  const ready = text.trim() !== '' && !sending;

  useLayoutEffect(() => {
    const element = area.current;
    if (!element) return;
    element.style.height = 'auto';
    element.style.height = `${Math.min(text ? element.scrollHeight + 2 : 0, 140)}px`;
  }, [text]);

  const send = async () => {
    if (!ready) return;
    setSending(true);
    const kept = text;
    const done = await phone.sendText(chat, kept.trim());
    setSending(false);
    if (done) setText((present) => (present === kept ? '' : present));
    area.current?.focus();
  };

  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      <textarea
        id="composer"
        ref={area}
        rows={1}
        maxLength={longestText}
        aria-label={t('composer.label')}
        placeholder={t('composer.placeholder')}
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
          event.preventDefault();
          void send();
        }}
        data-testid="composer"
      />
      <button type="submit" class="round send" disabled={!ready} aria-label={t('composer.send')} data-testid="send">
        <Icon name="send" />
      </button>
    </form>
  );
}
