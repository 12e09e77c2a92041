import type { JSX } from 'preact';
import { useEffect, useMemo } from 'preact/hooks';
import { dayTime, t, word } from '../i18n';
import type { CallView } from '../protocol/types';
import { History, type HistoryFilters, historyFiltersOf, historyQueryOf } from '../state/history';
import { nameOf } from '../state/ringing';
import { formatHash, route, setQuery } from '../state/route';
import { lines, people } from '../state/store';
import { Icon } from '../ui/icons';
import { More } from '../ui/infinite';
import { Badge, Button, Empty, Failed, Field, type Option, Select, Spinner } from '../ui/parts';
import { agentsOf, directionText, outcomeText, outcomeTone, talkText } from '../ui/words';
import { CallDetail } from './call-detail';

export const endReasons = [
  'completed',
  'declined_by_customer',
  'declined_by_agents',
  'no_answer',
  'abandoned',
  'cancelled',
  'out_of_hours',
  'permission_denied',
  'limit_reached',
  'provider_error',
  'media_failed',
  'node_lost',
  'replaced',
] as const;

/** HistoryScreen lists the company's calls; one of them may be open beside the list. */
export function HistoryScreen(): JSX.Element {
  const place = route.value;
  return (
    <div class={`split${place.id ? ' open' : ''}`}>
      <HistoryList />
      {place.id ? <CallDetail key={place.id} id={place.id} /> : <Nothing />}
    </div>
  );
}

function Nothing(): JSX.Element {
  return (
    <section class="nothing">
      <Empty title={t('history.choose')} />
    </section>
  );
}

function HistoryList(): JSX.Element {
  const history = useMemo(() => new History(), []);
  useEffect(() => () => history.close(), [history]);
  const query = route.value.query;
  const filters = historyFiltersOf(query);
  const key = JSON.stringify(filters);
  // biome-ignore lint/correctness/useExhaustiveDependencies: key is the filters by value
  useEffect(() => history.setFilters(filters), [history, key]);
  return (
    <section class="history-list" aria-label={t('history.title')}>
      <div class="list-tools">
        <h2>{t('history.title')}</h2>
        <Filters filters={filters} />
      </div>
      <div class="rows-scroll">
        <Calls history={history} filtered={key !== JSON.stringify(historyFiltersOf({}))} />
      </div>
    </section>
  );
}

function Filters({ filters }: { filters: HistoryFilters }): JSX.Element {
  const change = (part: Partial<HistoryFilters>) => setQuery(historyQueryOf({ ...filters, ...part }));
  const any: Option = { value: '', text: t('history.any') };
  const agents = [...people.value.values()].sort((a, b) => a.name.localeCompare(b.name));
  return (
    <div class="history-filters">
      <Select
        label={t('history.direction')}
        value={filters.direction}
        testid="history-direction"
        options={[
          any,
          { value: 'inbound', text: t('direction.inbound') },
          { value: 'outbound', text: t('direction.outbound') },
        ]}
        onChange={(direction) => change({ direction })}
      />
      <Select
        label={t('history.outcome')}
        value={filters.end_reason}
        testid="history-outcome"
        options={[
          any,
          ...endReasons.map((name) => ({ value: name, text: word('end_reason', name, 'end_reason.unknown') })),
        ]}
        onChange={(end_reason) => change({ end_reason })}
      />
      <Select
        label={t('history.agent')}
        value={filters.agent}
        testid="history-agent"
        options={[any, ...agents.map((person) => ({ value: person.id, text: person.name }))]}
        onChange={(agent) => change({ agent })}
      />
      {lines.value.length > 1 && (
        <Select
          label={t('history.line')}
          value={filters.line}
          testid="history-line"
          options={[any, ...lines.value.map((line) => ({ value: line.id, text: line.name }))]}
          onChange={(line) => change({ line })}
        />
      )}
      <DateField
        label={t('history.from')}
        value={filters.from}
        testid="history-from"
        onChange={(from) => change({ from })}
      />
      <DateField label={t('history.to')} value={filters.to} testid="history-to" onChange={(to) => change({ to })} />
      <button
        type="button"
        class="chip"
        aria-pressed={filters.ongoing}
        data-testid="history-ongoing"
        onClick={() => change({ ongoing: !filters.ongoing })}
      >
        {t('filter.ongoing')}
      </button>
      {filters.contact && (
        <button
          type="button"
          class="chip"
          data-testid="history-contact"
          aria-pressed="true"
          onClick={() => change({ contact: '' })}
        >
          {t('history.one_contact')}
          <Icon name="close" size={14} />
        </button>
      )}
    </div>
  );
}

function DateField(props: {
  label: string;
  value: string;
  testid: string;
  onChange: (value: string) => void;
}): JSX.Element {
  return (
    <Field label={props.label}>
      {({ id }) => (
        <input
          id={id}
          type="date"
          data-testid={props.testid}
          value={props.value}
          onChange={(ev) => props.onChange(ev.currentTarget.value)}
        />
      )}
    </Field>
  );
}

function Calls({ history, filtered }: { history: History; filtered: boolean }): JSX.Element {
  const failure = history.failure.value;
  const calls = history.calls.value;
  if (history.status.value === 'failed' && failure) return <Failed failure={failure} onRetry={() => history.retry()} />;
  if (history.status.value === 'loading' && calls.length === 0) return <Spinner label={t('list.loading')} />;
  if (calls.length === 0) {
    return (
      <Empty title={t(filtered ? 'history.none_found' : 'history.none')} testid="history-empty">
        {filtered && (
          <Button small onClick={() => setQuery({})}>
            {t('contacts.clear_filters')}
          </Button>
        )}
      </Empty>
    );
  }
  return (
    <>
      {failure && <Failed failure={failure} onRetry={() => history.retry()} />}
      <ul class={history.status.value === 'loading' ? 'rows stale' : 'rows'}>
        {calls.map((call) => (
          <CallRow key={call.call_id} call={call} />
        ))}
      </ul>
      {history.cursor.value && <More busy={history.loadingMore.value} onMore={() => history.loadMore()} />}
    </>
  );
}

function CallRow({ call }: { call: CallView }): JSX.Element {
  const place = route.value;
  const agents = agentsOf(call);
  const talk = talkText(call);
  return (
    <li>
      <a
        class="row"
        href={formatHash({ place: 'history', id: call.call_id, query: place.query })}
        aria-current={place.id === call.call_id ? 'page' : undefined}
        data-testid="history-row"
        data-call-id={call.call_id}
        data-state={call.state}
      >
        <span class={`call-icon ${outcomeTone(call)}`}>
          <Icon name={call.direction === 'inbound' ? 'inbound' : 'outbound'} size={16} />
          <span class="sr-only">{directionText(call)}</span>
        </span>
        <span class="row-main">
          <span class="row-title">
            <span class="row-name">{nameOf(call.contact)}</span>
            <time class="row-time tabular" dateTime={call.created_at}>
              {dayTime(call.created_at)}
            </time>
          </span>
          <span class="row-sub">
            <span class="row-info">
              {agents || t('history.no_agent')}
              {talk && ` · ${talk}`}
            </span>
            <Badge tone={outcomeTone(call)}>{outcomeText(call)}</Badge>
          </span>
        </span>
      </a>
    </li>
  );
}
