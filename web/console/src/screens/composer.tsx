import type { JSX, TargetedKeyboardEvent } from 'preact';
import { useId, useState } from 'preact/hooks';
import { dayTime, t } from '../i18n';
import type { ContactView } from '../protocol/types';
import type { Conversation } from '../state/conversation';
import { windowOpen } from '../state/eligibility';
import { nameOf } from '../state/ringing';
import { online, request } from '../state/store';
import { sayFailure } from '../state/toasts';
import { Button } from '../ui/parts';
import { useServerNow } from '../ui/time';

const longestText = 4096; // WhatsApp's limit of a text body

/** Composer writes to the contact inside the service window, and says why not outside it. */
export function Composer({ conversation, contact }: { conversation: Conversation; contact: ContactView }): JSX.Element {
  const [text, setText] = useState('');
  const [sending, setSending] = useState<'' | 'text' | 'button'>('');
  const hintId = useId();
  const now = useServerNow(30_000);
  const view = conversation.eligibility.value;
  const line = conversation.line.value;
  const open = view !== null && windowOpen(view, now);
  const ready = open && online.value && line !== null;
  const send = async (kind: 'text' | 'button') => {
    const words = text.trim();
    if (!line || sending || (kind === 'text' && !words)) return;
    setSending(kind);
    const to = { contact_id: contact.id, line_id: line.id };
    try {
      if (kind === 'text') await request('message.send', { ...to, text: words });
      else await request('message.call_button', { ...to, text: words || undefined });
      setText('');
      void conversation.load();
    } catch (err) {
      sayFailure(err);
    } finally {
      setSending('');
    }
  };
  const keys = (ev: TargetedKeyboardEvent<HTMLTextAreaElement>) => {
    if (ev.key !== 'Enter' || ev.shiftKey || ev.isComposing) return;
    ev.preventDefault();
    void send('text');
  };
  return (
    <form
      class="composer"
      data-testid="composer"
      onSubmit={(ev) => {
        ev.preventDefault();
        void send('text');
      }}
    >
      <textarea
        rows={1}
        maxLength={longestText}
        data-testid="message-input"
        aria-label={t('composer.label', { name: nameOf(contact) })}
        aria-describedby={hintId}
        placeholder={open ? t('composer.placeholder') : t('composer.closed_placeholder')}
        disabled={!open}
        value={text}
        onInput={(ev) => setText(ev.currentTarget.value)}
        onKeyDown={keys}
      />
      <Button
        tone="accent"
        submit
        icon="send"
        label={t('composer.send')}
        testid="message-send"
        disabled={!ready || text.trim() === ''}
        busy={sending === 'text'}
      />
      <div class="composer-foot">
        <p class="hint" id={hintId} data-testid="window-text">
          {!view
            ? ''
            : open && view.window_until
              ? t('composer.open_until', { until: dayTime(view.window_until) })
              : t('composer.closed')}
        </p>
        <Button
          tone="ghost"
          small
          icon="phone"
          testid="call-button-message"
          disabled={!ready}
          describedBy={open ? undefined : hintId}
          busy={sending === 'button'}
          onClick={() => void send('button')}
        >
          {t('composer.call_button')}
        </Button>
      </div>
    </form>
  );
}
