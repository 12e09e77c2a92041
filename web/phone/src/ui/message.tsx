import type { JSX } from 'preact';
import { formatDuration, formatTime } from '../../../shared/i18n/format';
import { locale, t, word } from '../i18n';
import type { Chat, Message, MessageOf } from '../protocol/types';
import { isMissed } from '../state/calls';
import { routeHash } from '../state/route';
import { textOf } from '../state/timeline';
import { ButtonsCard, LinkCard, RequestCard, TemplateCard, VoiceCallCard } from './cards';
import { usePhone, when } from './context';
import { Icon } from './icons';
import { ListCard } from './listcard';
import { RichText } from './richtext';

interface Props {
  chat: Chat;
  message: Message;
  quoted?: Message;
}

/** MessageView draws one entry of the chat by its kind. */
export function MessageView({ chat, message, quoted }: Props): JSX.Element {
  if (message.kind === 'call') return <CallLine chat={chat} message={message} />;
  if (message.kind === 'system') return <SystemLine chat={chat} message={message} />;
  const mine = message.from === 'user';
  const time = formatTime(locale.value, new Date(message.at));
  return (
    <article
      class={`bubble ${mine ? 'mine' : 'theirs'}`}
      data-testid="message"
      data-kind={message.kind}
      data-id={message.id}
      data-from={message.from}
      aria-label={mine ? t('message.fromYou', { time }) : t('message.fromBusiness', { name: chat.name, time })}
    >
      {quoted && <Quote message={quoted} />}
      <Content chat={chat} message={message} />
      <p class="stamp">
        <time dateTime={message.at}>{time}</time>
        {mine && message.status && (
          <span data-testid="message-status" data-status={message.status}>
            {word('message', message.status, 'message.other')}
          </span>
        )}
      </p>
    </article>
  );
}

function Content({ chat, message }: { chat: Chat; message: Message }): JSX.Element {
  switch (message.kind) {
    case 'text':
    case 'reply':
      return <RichText text={message.text} />;
    case 'permission_request':
      return <RequestCard chat={chat} message={message} />;
    case 'voice_call':
      return <VoiceCallCard chat={chat} message={message} />;
    case 'buttons':
      return <ButtonsCard message={message} />;
    case 'list':
      return <ListCard message={message} />;
    case 'link':
      return <LinkCard message={message} />;
    case 'template':
      return <TemplateCard chat={chat} message={message} />;
    case 'permission_reply':
      return <p class="text">{word('reply', message.answer, 'reply.other')}</p>;
    default:
      return <p class="text soft">{t('message.unknown')}</p>;
  }
}

function Quote({ message }: { message: Message }): JSX.Element {
  return (
    <p class="quote">
      <span class="sr-only">{t('message.inReplyTo')} </span>
      <span class="clip">{textOf(message) || word('preview', message.kind, 'preview.other')}</span>
    </p>
  );
}

function CallLine({ chat, message }: { chat: Chat; message: MessageOf<'call'> }): JSX.Element {
  const phone = usePhone();
  const { direction, outcome, duration_s } = message;
  const missed = isMissed(direction, outcome);
  const again = chat.access.icon && outcome !== 'completed';
  return (
    <div
      class={`call-line ${direction}${missed ? ' missed' : ''}`}
      data-testid="call-line"
      data-direction={direction}
      data-outcome={outcome}
      data-id={message.id}
    >
      <span class="call-line-icon">
        <Icon name={direction === 'incoming' ? 'incoming' : 'outgoing'} size={18} />
      </span>
      <span class="row-text">
        <strong>{word('line', `${direction}.${outcome}`, 'line.other')}</strong>
        <span class="soft">
          <time dateTime={message.at}>{formatTime(locale.value, new Date(message.at))}</time>
          {duration_s !== undefined && ` · ${formatDuration(locale.value, duration_s * 1000)}`}
        </span>
      </span>
      {again && (
        <button
          type="button"
          class="small"
          disabled={phone.placing.value !== ''}
          onClick={() => phone.callBusiness(chat.pnid)}
          data-testid="call-back"
        >
          {direction === 'incoming' ? t('line.callBack') : t('line.callAgain')}
        </button>
      )}
    </div>
  );
}

function SystemLine({ chat, message }: { chat: Chat; message: MessageOf<'system'> }): JSX.Element {
  const { code, expires_at } = message;
  const text =
    code === 'permission_granted' && expires_at
      ? t('system.permission_grantedUntil', { when: when(expires_at) })
      : word('system', code, 'system.other');
  return (
    <div class="system" data-testid="system-line" data-code={code} data-id={message.id}>
      <span>{text}</span>
      {code === 'permission_suggest' && (
        <a href={routeHash({ screen: 'profile', pnid: chat.pnid })}>{t('system.review')}</a>
      )}
    </div>
  );
}
