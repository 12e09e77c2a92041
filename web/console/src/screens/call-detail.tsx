import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { dayTime, phone, t, timeSeconds, word } from '../i18n';
import { asFailure, type Failure } from '../protocol/failure';
import type { CallTrace, ParticipantView } from '../protocol/types';
import { contactHref } from '../state/contacts';
import { atMost } from '../state/debounce';
import { nameOf } from '../state/ringing';
import { formatHash, route } from '../state/route';
import { listen, people, rest } from '../state/store';
import { Icon } from '../ui/icons';
import { eventText, namesOf } from '../ui/journal';
import { Avatar, Badge, Failed, Spinner } from '../ui/parts';
import { directionText, outcomeText, outcomeTone, talkText } from '../ui/words';

/** CallDetail is one call with its journal; a call that goes on is read again as it changes. */
export function CallDetail({ id }: { id: string }): JSX.Element {
  const [call, setCall] = useState<CallTrace | null>(null);
  const [failure, setFailure] = useState<Failure | null>(null);
  const [turn, setTurn] = useState(0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: turn is the retry
  useEffect(() => {
    const abort = new AbortController();
    const read = () => {
      rest.call(id, abort.signal).then(
        (trace) => {
          setCall(trace);
          setFailure(null);
        },
        (err) => {
          if (asFailure(err).code !== 'aborted') setFailure(asFailure(err));
        },
      );
    };
    const again = atMost(1000, read);
    again();
    const stop = listen({
      call: (changed) => {
        if (changed.call_id === id) again();
      },
      reset: again,
    });
    return () => {
      stop();
      again.cancel();
      abort.abort();
    };
  }, [id, turn]);
  return (
    <section class="detail" aria-label={t('detail.title')} data-testid="call-detail" data-call-id={id}>
      <a
        class="button ghost icon-only back"
        href={formatHash({ place: 'history', query: route.value.query })}
        aria-label={t('action.back')}
        data-testid="back"
      >
        <Icon name="back" />
      </a>
      {failure && <Failed failure={failure} onRetry={() => setTurn(turn + 1)} />}
      {!call && !failure && <Spinner label={t('list.loading')} />}
      {call && <Trace call={call} />}
    </section>
  );
}

function Trace({ call }: { call: CallTrace }): JSX.Element {
  const talk = talkText(call);
  return (
    <div class="detail-body">
      <header class="detail-head">
        <Avatar name={call.contact.name} large />
        <div class="head-main">
          <h2>
            <a href={contactHref(call.contact.id)}>{nameOf(call.contact)}</a>
          </h2>
          <p class="muted tabular">{call.contact.phone ? phone(call.contact.phone) : ''}</p>
        </div>
        <Badge tone={outcomeTone(call)}>{outcomeText(call)}</Badge>
      </header>
      <dl class="facts wide">
        <Fact name={t('detail.direction')} value={directionText(call)} />
        <Fact name={t('detail.line')} value={call.line.name} />
        <Fact name={t('detail.created')} value={dayTime(call.created_at)} />
        {call.answered_at && <Fact name={t('detail.answered')} value={dayTime(call.answered_at)} />}
        {talk && <Fact name={t('detail.talk')} value={talk} />}
        {call.ended_by && (
          <Fact name={t('detail.ended_by')} value={word('ended_by', call.ended_by, 'ended_by.system')} />
        )}
        {call.end_detail && <Fact name={t('detail.provider')} value={call.end_detail} />}
      </dl>
      <h3>{t('detail.participants')}</h3>
      <ul class="plain-list">
        {(call.participants ?? []).map((person) => (
          <Person key={person.leg_id} person={person} />
        ))}
      </ul>
      <h3>{t('detail.journal')}</h3>
      <Journal call={call} />
    </div>
  );
}

function Fact({ name, value }: { name: string; value: string }): JSX.Element {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

function Person({ person }: { person: ParticipantView }): JSX.Element {
  return (
    <li>
      <Avatar name={person.name} />
      <span>
        {person.name}
        {person.kind === 'contact' && <span class="badge outline">{t('call.customer')}</span>}
      </span>
      <span class="muted tabular">
        {person.joined_at ? timeSeconds(person.joined_at) : t('detail.not_joined')}
        {person.left_at && person.joined_at ? ` – ${timeSeconds(person.left_at)}` : ''}
      </span>
    </li>
  );
}

function Journal({ call }: { call: CallTrace }): JSX.Element {
  const events = call.events ?? [];
  const names = namesOf(call, people.value);
  if (events.length === 0) return <p class="muted">{t('detail.no_journal')}</p>;
  return (
    <ol class="journal" data-testid="call-journal">
      {events.map((event) => (
        <li key={event.seq} data-type={event.type}>
          <time class="tabular muted" dateTime={event.at}>
            {timeSeconds(event.at)}
          </time>
          <span>{eventText(event, names)}</span>
        </li>
      ))}
    </ol>
  );
}
