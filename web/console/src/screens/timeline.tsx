import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { day, dayTime, t, time, word } from '../i18n';
import type { CallView, MessageView } from '../protocol/types';
import type { Conversation } from '../state/conversation';
import { formatHash } from '../state/route';
import type { Entry } from '../state/timeline';
import { callOf } from '../state/timeline';
import { announce } from '../ui/announce';
import { Icon } from '../ui/icons';
import { More } from '../ui/infinite';
import { Empty, Failed, Spinner } from '../ui/parts';
import { agentsOf, directionText, messageErrorText, outcomeText, outcomeTone, talkText } from '../ui/words';

type View = 'all' | 'calls';

/** Timeline is what was said and called, oldest on top; or only the calls of this contact. */
export function Timeline({ conversation }: { conversation: Conversation }): JSX.Element {
  const [view, setView] = useState<View>('all');
  useNews(conversation);
  if (!conversation.loaded.value) return <Spinner label={t('list.loading')} />;
  const entries = conversation.entries.value.filter((entry) => view === 'all' || entry.kind !== 'message');
  const shown = view === 'all' ? entries : dropEmptyDays(entries);
  return (
    <div class="timeline-box">
      <div class="tabs" role="group" aria-label={t('timeline.view')}>
        {(['all', 'calls'] as const).map((name) => (
          <button
            key={name}
            type="button"
            aria-pressed={view === name}
            data-testid={`timeline-${name}`}
            onClick={() => setView(name)}
          >
            {t(`timeline.${name}`)}
          </button>
        ))}
        <span class="spacer" />
        <a href={formatHash({ place: 'history', query: { contact: conversation.id } })} data-testid="timeline-history">
          {t('timeline.in_history')}
        </a>
      </div>
      {/* column-reverse keeps the distance to the newest entry while older ones come on top */}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <div class="timeline-scroll" tabIndex={0} role="region" aria-label={t('timeline.label')} data-testid="timeline">
        <div class="timeline-inner">
          {conversation.failure.value && (
            <Failed failure={conversation.failure.value} onRetry={() => void conversation.load()} />
          )}
          {conversation.olderFailure.value && (
            <Failed failure={conversation.olderFailure.value} onRetry={() => void conversation.loadOlder()} />
          )}
          {conversation.cursor.value !== '' && !conversation.olderFailure.value && (
            <More
              busy={conversation.loadingOlder.value}
              onMore={() => void conversation.loadOlder()}
              text={t('timeline.older')}
            />
          )}
          {shown.length === 0 && <Empty title={t(view === 'all' ? 'timeline.empty' : 'timeline.no_calls')} />}
          <ol class="timeline">
            {shown.map((entry) => (
              <EntryRow key={entry.key} entry={entry} />
            ))}
          </ol>
        </div>
      </div>
    </div>
  );
}

function dropEmptyDays(entries: Entry[]): Entry[] {
  return entries.filter((entry, index) => entry.kind !== 'day' || entries[index + 1]?.kind === 'call');
}

/** useNews tells a screen reader of messages that come in while the conversation is open. */
function useNews(conversation: Conversation): void {
  const last = useRef('');
  const newest = conversation.messages.value[0];
  const loaded = conversation.loaded.value;
  useEffect(() => {
    if (!loaded || !newest) return;
    if (last.current && last.current !== newest.message_id && newest.direction === 'in') {
      announce(t('timeline.new_message', { text: newest.text ?? messageWords(newest) }));
    }
    last.current = newest.message_id;
  }, [loaded, newest]);
}

function EntryRow({ entry }: { entry: Entry }): JSX.Element {
  if (entry.kind === 'day') {
    return (
      <li class="day">
        <span>{day(entry.at)}</span>
      </li>
    );
  }
  return entry.kind === 'call' ? <CallRow call={entry.call} /> : <MessageRow message={entry.message} />;
}

function CallRow({ call }: { call: CallView }): JSX.Element {
  const talk = talkText(call);
  const agents = agentsOf(call);
  return (
    <li class="call-entry" data-testid="call-entry" data-call-id={call.call_id}>
      <a href={formatHash({ place: 'history', id: call.call_id })}>
        <span class={`call-icon ${outcomeTone(call)}`}>
          <Icon name={call.direction === 'inbound' ? 'inbound' : 'outbound'} size={16} />
        </span>
        <span>
          <span class="call-title">{directionText(call)}</span>
          <span class="muted">
            {outcomeText(call)}
            {talk && ` · ${talk}`}
            {agents && ` · ${agents}`}
          </span>
        </span>
        <time class="muted tabular" dateTime={call.created_at}>
          {time(call.created_at)}
        </time>
      </a>
    </li>
  );
}

/** messageWords says a message that is not plain text. */
function messageWords(message: MessageView): string {
  const data = message.data ?? {};
  if (message.kind === 'permission_reply') {
    const until = typeof data['until'] === 'string' ? dayTime(data['until']) : '';
    return word('reply', replyOf(data, until !== ''), 'reply.granted', { until });
  }
  return word('message', message.kind, 'message.unsupported');
}

/** replyOf names the answer to a permission request; the contact may also have answered without one. */
function replyOf(data: Record<string, unknown>, dated: boolean): string {
  const answer = String(data['permission'] ?? data['response'] ?? '');
  if (answer === 'granted_temporary') return dated ? answer : 'granted';
  if (answer === 'accept') return data['is_permanent'] === true ? 'granted_permanent' : 'granted';
  return answer === 'reject' ? 'declined' : answer;
}

function MessageRow({ message }: { message: MessageView }): JSX.Element {
  const mine = message.direction === 'out';
  const special = message.kind !== 'text';
  const label = message.direction === 'system' ? 'system' : mine ? 'out' : 'in';
  const linked = message.kind === 'call' ? callOf(message) : '';
  return (
    <li class={`message ${label}`} data-testid="message" data-kind={message.kind} data-direction={message.direction}>
      <div class="bubble">
        <span class="sr-only">{t(`message.from_${label}`)}</span>
        {special && (
          <span class="message-kind">
            {linked ? (
              <a href={formatHash({ place: 'history', id: linked })}>{messageWords(message)}</a>
            ) : (
              messageWords(message)
            )}
          </span>
        )}
        {message.text && <span class="message-text">{message.text}</span>}
        <span class="message-foot tabular">
          {mine && message.agent_name && <span>{message.agent_name}</span>}
          <time dateTime={message.at}>{time(message.at)}</time>
          {mine && message.status && (
            <span class={`status-${message.status}`}>
              {word('message_status', message.status, 'message_status.sent')}
            </span>
          )}
        </span>
        {message.status === 'failed' && message.error && (
          <span class="message-error">
            {t('message.failed', {
              why: messageErrorText(message.error),
            })}
          </span>
        )}
      </div>
    </li>
  );
}
