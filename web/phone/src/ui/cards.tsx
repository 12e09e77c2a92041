import type { ComponentChildren, JSX } from 'preact';
import { useState } from 'preact/hooks';
import { formatClock } from '../../../shared/i18n/format';
import { t, word } from '../i18n';
import type { Answer, Chat, MessageOf, TemplateAction } from '../protocol/types';
import { now } from '../state/clock';
import { safeUrl } from '../state/links';
import { usePhone, when } from './context';
import { Icon } from './icons';
import { RichText } from './richtext';

// The messages that ask for something: each shows its buttons for as long as they can be used, then what was chosen.

export function Parts(props: {
  header?: string;
  text: string;
  footer?: string;
  children?: ComponentChildren;
}): JSX.Element {
  return (
    <>
      {props.header && <p class="card-head">{props.header}</p>}
      {props.text && <RichText text={props.text} />}
      {props.footer && <p class="soft">{props.footer}</p>}
      {props.children}
    </>
  );
}

/** useBusy runs one action at a time, so that a double click is one answer. */
function useBusy(): [boolean, (action: () => Promise<unknown>) => void] {
  const [busy, setBusy] = useState(false);
  return [
    busy,
    (action) => {
      if (busy) return;
      setBusy(true);
      void action().finally(() => setBusy(false));
    },
  ];
}

const answers: readonly { answer: Answer; key: 'request.always' | 'request.temporary' | 'request.decline' }[] = [
  { answer: 'accept_permanent', key: 'request.always' },
  { answer: 'accept_temporary', key: 'request.temporary' },
  { answer: 'decline', key: 'request.decline' },
];

function Answers(props: { id: string; answer?: string; answerable: boolean }): JSX.Element {
  const phone = usePhone();
  const [busy, once] = useBusy();
  return (
    <>
      {props.answer && (
        <p class="chosen" data-testid="request-answer" data-answer={props.answer}>
          {t('request.chosen', { answer: word('answer', props.answer, 'answer.other') })}
        </p>
      )}
      {props.answerable ? (
        <div class="choices">
          {answers.map(({ answer, key }) => (
            <button
              type="button"
              key={answer}
              class="button"
              aria-pressed={props.answer === answer}
              disabled={busy || props.answer === answer}
              onClick={() => once(() => phone.answer(props.id, answer))}
              data-testid={`answer-${answer}`}
            >
              {t(key)}
            </button>
          ))}
        </div>
      ) : (
        !props.answer && <p class="soft">{t('request.dead')}</p>
      )}
    </>
  );
}

export function RequestCard({ chat, message }: { chat: Chat; message: MessageOf<'permission_request'> }): JSX.Element {
  return (
    <>
      <p class="card-head with-icon">
        <Icon name="call" size={18} />
        {t('request.title')}
      </p>
      {message.text && <RichText text={message.text} />}
      <p class={message.text ? 'soft' : 'text'}>{t('request.text', { name: chat.name })}</p>
      <Answers id={message.id} answer={message.answer} answerable={message.answerable} />
    </>
  );
}

function CallButton(props: {
  pnid: string;
  id: string;
  title: string;
  expires: string;
  expired: boolean;
}): JSX.Element {
  const phone = usePhone();
  const left = Date.parse(props.expires) - now();
  const expired = props.expired || left <= 0;
  const soon = left < 3_600_000;
  return (
    <>
      <button
        type="button"
        class="button call"
        disabled={expired || phone.placing.value !== ''}
        onClick={() => phone.pressCall(props.pnid, props.id)}
        data-testid="voice-call"
        data-expired={expired}
      >
        <Icon name="call" size={18} />
        {props.title}
      </button>
      <p class="soft tabular" data-testid="voice-call-ttl">
        {expired && t('button.expired')}
        {!expired && soon && t('button.validUntil', { time: formatClock(left) })}
        {!expired && !soon && t('button.validUntilDate', { when: when(props.expires) })}
      </p>
    </>
  );
}

export function VoiceCallCard({ chat, message }: { chat: Chat; message: MessageOf<'voice_call'> }): JSX.Element {
  return (
    <Parts text={message.text}>
      <CallButton
        pnid={chat.pnid}
        id={message.id}
        title={message.button}
        expires={message.expires}
        expired={message.expired}
      />
    </Parts>
  );
}

export function ButtonsCard({ message }: { message: MessageOf<'buttons'> }): JSX.Element {
  const phone = usePhone();
  const [busy, once] = useBusy();
  return (
    <Parts {...message}>
      <div class="choices">
        {message.buttons.map((button) => (
          <button
            type="button"
            class="button"
            key={button.id}
            aria-pressed={message.pressed === button.id}
            disabled={busy || message.pressed !== undefined}
            onClick={() => once(() => phone.press(message.id, button.id))}
            data-testid="press"
            data-option={button.id}
          >
            {button.title}
          </button>
        ))}
      </div>
    </Parts>
  );
}

function LinkButton({ url, title }: { url: string; title: string }): JSX.Element {
  const safe = safeUrl(url);
  if (!safe) return <p class="soft">{title}</p>;
  return (
    <a class="button" href={safe} target="_blank" rel="noopener noreferrer" data-testid="link">
      <Icon name="link" size={18} />
      {title}
    </a>
  );
}

export function LinkCard({ message }: { message: MessageOf<'link'> }): JSX.Element {
  return (
    <Parts {...message}>
      <div class="choices">
        <LinkButton url={message.url} title={message.button} />
      </div>
    </Parts>
  );
}

export function TemplateCard({ chat, message }: { chat: Chat; message: MessageOf<'template'> }): JSX.Element {
  return (
    <Parts {...message}>
      {message.permission && (
        <Answers id={message.id} answer={message.permission.answer} answerable={message.permission.answerable} />
      )}
      {message.actions.length > 0 && (
        <div class="choices">
          {message.actions.map((action) => (
            <TemplateButton key={`${action.type} ${action.title}`} chat={chat} message={message} action={action} />
          ))}
        </div>
      )}
    </Parts>
  );
}

function TemplateButton(props: {
  chat: Chat;
  message: MessageOf<'template'>;
  action: TemplateAction;
}): JSX.Element | null {
  const phone = usePhone();
  const [busy, once] = useBusy();
  const { chat, message, action } = props;
  switch (action.type) {
    case 'call':
      return (
        <CallButton
          pnid={chat.pnid}
          id={message.id}
          title={action.title}
          expires={action.expires}
          expired={action.expired}
        />
      );
    case 'link':
      return <LinkButton url={action.url} title={action.title} />;
    case 'reply':
      return (
        <button
          type="button"
          class="button"
          aria-pressed={message.pressed === action.id}
          disabled={busy || message.pressed !== undefined}
          onClick={() => once(() => phone.press(message.id, action.id))}
          data-testid="press"
          data-option={action.id}
        >
          {action.title}
        </button>
      );
    default:
      return null;
  }
}
