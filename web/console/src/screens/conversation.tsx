import type { JSX } from 'preact';
import { useEffect, useMemo } from 'preact/hooks';
import { money, phone, t } from '../i18n';
import type { ContactView } from '../protocol/types';
import { Conversation } from '../state/conversation';
import { lineId } from '../state/prefs';
import { nameOf } from '../state/ringing';
import { formatHash, route } from '../state/route';
import { lines } from '../state/store';
import { Icon } from '../ui/icons';
import { Avatar, Badge, Failed, Spinner } from '../ui/parts';
import { Composer } from './composer';
import { EligibilityBar } from './eligibility-bar';
import { Timeline } from './timeline';

/** ConversationPane is one contact: who, may we call, what was said, and the box to write in. */
export function ConversationPane({ id }: { id: string }): JSX.Element {
  const conversation = useMemo(() => new Conversation(id), [id]);
  useEffect(() => () => conversation.close(), [conversation]);
  const contact = conversation.contact.value;
  const failure = conversation.failure.value;
  return (
    <section class="conversation" data-testid="conversation" data-contact-id={id} aria-label={t('conversation.label')}>
      {contact ? (
        <>
          <Header contact={contact} />
          <EligibilityBar conversation={conversation} contact={contact} />
          <Timeline conversation={conversation} />
          <Composer conversation={conversation} contact={contact} />
        </>
      ) : (
        <>
          <BackLink />
          {failure ? (
            <Failed failure={failure} onRetry={() => void conversation.load()} />
          ) : (
            <Spinner label={t('list.loading')} />
          )}
        </>
      )}
    </section>
  );
}

function BackLink(): JSX.Element {
  return (
    <a
      class="button ghost icon-only back"
      href={formatHash({ place: 'contacts', query: route.value.query })}
      aria-label={t('action.back')}
      data-testid="back"
    >
      <Icon name="back" />
    </a>
  );
}

function Header({ contact }: { contact: ContactView }): JSX.Element {
  return (
    <header class="conversation-head">
      <BackLink />
      <Avatar name={contact.name} large />
      <div class="head-main">
        <h2 data-testid="contact-name">{nameOf(contact)}</h2>
        <dl class="facts">
          {contact.phone && contact.name && <Fact name={t('contact.phone')} value={phone(contact.phone)} plain />}
          {contact.order_no && <Fact name={t('contact.order_label')} value={contact.order_no} />}
          {contact.quote_cents ? <Fact name={t('contact.quote')} value={money(contact.quote_cents)} /> : null}
          {contact.assigned_name && <Fact name={t('contact.assigned')} value={contact.assigned_name} />}
        </dl>
      </div>
      <div class="head-side">
        {contact.ongoing_call && (
          <a class="badge good" href={formatHash({ place: 'history', id: contact.ongoing_call })}>
            {t('contact.in_call')}
          </a>
        )}
        {contact.status && <Badge>{contact.status}</Badge>}
        {contact.tags?.map((tag) => (
          <Badge key={tag} tone="outline">
            {tag}
          </Badge>
        ))}
        {lines.value.length > 1 && <LineChoice />}
      </div>
    </header>
  );
}

function Fact({ name, value, plain }: { name: string; value: string; plain?: boolean }): JSX.Element {
  return (
    <div>
      <dt class={plain ? 'sr-only' : ''}>{name}</dt>
      <dd class="tabular">{value}</dd>
    </div>
  );
}

function LineChoice(): JSX.Element {
  const chosen = lines.value.find((line) => line.id === lineId.value) ?? lines.value[0];
  return (
    <select
      class="chip"
      aria-label={t('conversation.line')}
      data-testid="line-choice"
      value={chosen?.id}
      onChange={(ev) => {
        lineId.value = ev.currentTarget.value;
      }}
    >
      {lines.value.map((line) => (
        <option key={line.id} value={line.id} selected={line.id === chosen?.id}>
          {line.name}
        </option>
      ))}
    </select>
  );
}
