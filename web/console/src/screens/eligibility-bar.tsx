import type { JSX } from 'preact';
import { useId, useState } from 'preact/hooks';
import { dayTime, t, word } from '../i18n';
import type { ContactView, EligibilityView } from '../protocol/types';
import { dial, starting } from '../state/calls';
import type { Conversation } from '../state/conversation';
import { windowOpen } from '../state/eligibility';
import { askPermission } from '../state/permission';
import { liveCall, online, serverNow } from '../state/store';
import { sayFailure } from '../state/toasts';
import { Icon } from '../ui/icons';
import { Button, Failed, Field } from '../ui/parts';
import { permissionSentence, reasonText } from '../ui/words';

/** unansweredWarning is how many unanswered calls in a row are worth a warning: the fourth takes the permission away. */
const unansweredWarning = 2;

/** EligibilityBar says whether we may call this contact, why not and from when, with the two buttons that follow. */
export function EligibilityBar({
  conversation,
  contact,
}: {
  conversation: Conversation;
  contact: ContactView;
}): JSX.Element {
  const [asking, setAsking] = useState(false);
  const formId = useId();
  const reasonId = useId();
  const view = conversation.eligibility.value;
  const failure = conversation.eligibilityFailure.value;
  const line = conversation.line.value;
  if (!view) {
    return (
      <div class="eligibility" data-testid="eligibility" aria-busy={!failure}>
        {failure ? (
          <Failed failure={failure} onRetry={() => void conversation.ask()} />
        ) : (
          <p class="muted">{t('eligibility.loading')}</p>
        )}
      </div>
    );
  }
  const busy = liveCall.value !== null || starting.value !== null;
  const together = liveCall.value?.contact.id === contact.id || starting.value?.contact?.id === contact.id;
  const why = together ? [t('eligibility.with_contact')] : callObstacles(view, busy);
  const granted = view.permission === 'granted_temporary' || view.permission === 'granted_permanent';
  return (
    <div class="eligibility" data-testid="eligibility" data-permission={view.permission}>
      <div class="eligibility-words">
        <p class={`permission ${granted ? 'good' : ''}`}>
          <Icon name={granted ? 'shield' : 'key'} size={16} />
          <span data-testid="permission-text">{permissionSentence(view)}</span>
        </p>
        <Details view={view} why={why} id={reasonId} />
      </div>
      <div class="eligibility-actions">
        {view.permission !== 'granted_permanent' && (
          <Button
            icon="key"
            testid="permission-button"
            expanded={asking}
            controls={asking ? formId : undefined}
            disabled={!view.can_request || !online.value}
            describedBy={view.can_request ? undefined : `${reasonId}-request`}
            onClick={() => setAsking(!asking)}
          >
            {t('permission.ask')}
          </Button>
        )}
        <Button
          tone="good"
          icon="phone"
          testid="call-button"
          disabled={!view.can_call || busy || !online.value || !line}
          describedBy={why.length > 0 ? reasonId : undefined}
          onClick={() => line && void dial(contact, line.id)}
        >
          {t('call.dial')}
        </Button>
      </div>
      {asking && line && view.can_request && (
        <RequestForm
          id={formId}
          view={view}
          contact={contact}
          line={line.id}
          onDone={() => {
            setAsking(false);
            void conversation.load();
          }}
        />
      )}
    </div>
  );
}

function callObstacles(view: EligibilityView, busy: boolean): string[] {
  if (view.can_call) return busy ? [t('eligibility.you_are_busy')] : [];
  const reasons = (view.call_reasons ?? []).map(reasonText);
  return reasons.length > 0 ? reasons : [t('eligibility.cannot_call')];
}

function Details({ view, why, id }: { view: EligibilityView; why: string[]; id: string }): JSX.Element {
  const request = view.can_request ? [] : (view.request_reasons ?? []).map(reasonText);
  const source = view.permission_source
    ? word('permission_source', view.permission_source, 'permission_source.other')
    : '';
  return (
    <>
      {why.length > 0 && (
        <p class="obstacle" id={id} data-testid="call-reasons">
          {why.join(' ')}
        </p>
      )}
      {request.length > 0 && view.permission !== 'granted_permanent' && (
        <p class="muted" id={`${id}-request`} data-testid="request-reasons">
          {t('permission.cannot_ask', { why: request.join(' ') })}
        </p>
      )}
      {view.can_call && source && <p class="muted">{source}</p>}
      {view.unanswered_streak >= unansweredWarning && (
        <p class="warning" data-testid="unanswered">
          {t('eligibility.unanswered', { count: view.unanswered_streak })}
        </p>
      )}
    </>
  );
}

function RequestForm(props: {
  id: string;
  view: EligibilityView;
  contact: ContactView;
  line: string;
  onDone: () => void;
}): JSX.Element {
  const [text, setText] = useState('');
  const [sending, setSending] = useState(false);
  const open = windowOpen(props.view, serverNow());
  const send = async () => {
    setSending(true);
    try {
      await askPermission(props.contact.id, props.line, open ? text.trim() : '');
      props.onDone();
    } catch (err) {
      sayFailure(err);
    } finally {
      setSending(false);
    }
  };
  return (
    <form
      id={props.id}
      class="request-form"
      data-testid="permission-form"
      onSubmit={(ev) => {
        ev.preventDefault();
        void send();
      }}
    >
      <p class="muted" data-testid="permission-via">
        {open && props.view.window_until
          ? t('permission.via_message', { until: dayTime(props.view.window_until) })
          : t('permission.via_template')}
      </p>
      {open && (
        <Field label={t('permission.text')} hint={t('permission.text_hint')}>
          {({ id, describedBy }) => (
            <textarea
              id={id}
              aria-describedby={describedBy}
              rows={2}
              maxLength={1024}
              data-testid="permission-text-input"
              value={text}
              onInput={(ev) => setText(ev.currentTarget.value)}
            />
          )}
        </Field>
      )}
      <div class="actions">
        <Button tone="accent" submit busy={sending} icon="send" testid="permission-send">
          {t('permission.send')}
        </Button>
        <Button tone="ghost" onClick={props.onDone}>
          {t('action.cancel')}
        </Button>
      </div>
    </form>
  );
}
