import type { JSX } from 'preact';
import { formatShort } from '../../../shared/i18n/format';
import { locale, t, word } from '../i18n';
import type { Chat, Message } from '../protocol/types';
import { now } from '../state/clock';
import { routeHash } from '../state/route';
import { textOf } from '../state/timeline';
import { ReturnBar } from './callbar';
import { phoneText, usePhone } from './context';
import { Face, LanguageSwitch } from './parts';

/** ChatList shows the businesses this customer knows. */
export function ChatList(): JSX.Element {
  const phone = usePhone();
  const chats = phone.chats.value;
  return (
    <>
      <header class="head">
        <h1>{t('list.title')}</h1>
        <LanguageSwitch />
      </header>
      <main class="body">
        <ReturnBar />
        {chats.length === 0 && (
          <div class="empty">
            <p>{t('list.empty')}</p>
            <p class="soft">{t('list.emptyHint')}</p>
          </div>
        )}
        <ul>
          {chats.map((chat) => (
            <ChatRow key={chat.pnid} chat={chat} />
          ))}
        </ul>
      </main>
    </>
  );
}

function ChatRow({ chat }: { chat: Chat }): JSX.Element {
  const last = chat.messages.at(-1);
  return (
    <li>
      <a class="row" href={routeHash({ screen: 'chat', pnid: chat.pnid })} data-testid="chat-row" data-pnid={chat.pnid}>
        <Face name={chat.name} id={chat.pnid} />
        <span class="row-text">
          <strong>{chat.name}</strong>
          <span class="soft clip">{last ? preview(last) : phoneText(chat.display_phone_number)}</span>
        </span>
        <span class="row-side">
          {last && <span class="soft">{formatShort(locale.value, new Date(last.at), new Date(now()))}</span>}
          {chat.unread > 0 && (
            <span class="badge">
              <span aria-hidden="true">{chat.unread}</span>
              <span class="sr-only">{t('list.unread', { count: chat.unread })}</span>
            </span>
          )}
        </span>
      </a>
    </li>
  );
}

function preview(message: Message): string {
  const text = textOf(message) || word('preview', message.kind, 'preview.other');
  return message.from === 'user' && message.kind !== 'call' ? t('list.you', { text }) : text;
}
