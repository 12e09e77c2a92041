import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { phone, shortTime, t } from '../i18n';
import type { ContactView } from '../protocol/types';
import * as contacts from '../state/contacts';
import { nameOf } from '../state/ringing';
import { route, setQuery } from '../state/route';
import { Icon } from '../ui/icons';
import { More } from '../ui/infinite';
import { Avatar, Badge, Button, Empty, Failed, Spinner } from '../ui/parts';

/** ContactList is the left column: search, filters and the rows. */
export function ContactList(): JSX.Element {
  const scroller = useRef<HTMLDivElement>(null);
  const place = route.value;
  const filters = contacts.filters.value;
  useEffect(() => {
    contacts.calm.value = () => {
      const element = scroller.current;
      return (
        !element || (element.scrollTop < 8 && !element.matches(':hover') && !element.contains(document.activeElement))
      );
    };
  }, []);
  const query = JSON.stringify(place.query);
  // biome-ignore lint/correctness/useExhaustiveDependencies: query is the address's filter by value
  useEffect(() => contacts.setFilters(contacts.filtersOf(place.query)), [query]);
  const change = (part: Partial<contacts.Filters>) => {
    const next = { ...contacts.filters.peek(), ...part };
    contacts.setFilters(next);
    setQuery(contacts.queryOf(next));
  };
  return (
    <section class="contact-list" aria-label={t('nav.contacts')}>
      <div class="list-tools">
        <div class="search">
          <Icon name="search" size={16} />
          <input
            type="search"
            data-testid="contact-search"
            aria-label={t('contacts.search')}
            placeholder={t('contacts.search')}
            autocomplete="off"
            value={filters.q}
            onInput={(ev) => change({ q: ev.currentTarget.value })}
          />
        </div>
        <FilterChips filters={filters} change={change} />
      </div>
      {contacts.changes.value > 0 && (
        <button type="button" class="changes" data-testid="contact-changes" onClick={() => contacts.showChanges()}>
          {t('contacts.changes', { count: contacts.changes.value })}
        </button>
      )}
      <div class="rows-scroll" ref={scroller}>
        <Rows selected={place.id} />
      </div>
    </section>
  );
}

const chips = [
  ['ongoing', 'filter-ongoing'],
  ['may_call', 'filter-may-call'],
  ['window_open', 'filter-window'],
  ['mine', 'filter-mine'],
] as const;

function FilterChips(props: {
  filters: contacts.Filters;
  change: (part: Partial<contacts.Filters>) => void;
}): JSX.Element {
  const { filters, change } = props;
  const options = new Set(contacts.statuses.value);
  if (filters.status) options.add(filters.status);
  return (
    <fieldset class="chips">
      <legend class="sr-only">{t('contacts.filters')}</legend>
      {chips.map(([name, testid]) => (
        <button
          key={name}
          type="button"
          class="chip"
          aria-pressed={filters[name]}
          data-testid={testid}
          onClick={() => change({ [name]: !filters[name] })}
        >
          {t(`filter.${name}`)}
        </button>
      ))}
      <select
        class="chip"
        aria-label={t('filter.status')}
        data-testid="filter-status"
        value={filters.status}
        onChange={(ev) => change({ status: ev.currentTarget.value })}
      >
        <option value="">{t('filter.any_status')}</option>
        {[...options].map((status) => (
          <option key={status} value={status} selected={status === filters.status}>
            {status}
          </option>
        ))}
      </select>
    </fieldset>
  );
}

function Rows({ selected }: { selected: string }): JSX.Element {
  const items = contacts.items.value;
  const failure = contacts.failure.value;
  if (contacts.status.value === 'failed' && failure)
    return <Failed failure={failure} onRetry={() => contacts.reload()} />;
  if (contacts.status.value === 'loading' && items.length === 0) return <Spinner label={t('list.loading')} />;
  if (items.length === 0) {
    const filtered = Object.values(contacts.queryOf(contacts.filters.value)).some(Boolean);
    return (
      <Empty title={t(filtered ? 'contacts.none_found' : 'contacts.none')} testid="contacts-empty">
        {filtered && (
          <Button small onClick={clearFilters} testid="clear-filters">
            {t('contacts.clear_filters')}
          </Button>
        )}
      </Empty>
    );
  }
  return (
    <>
      {failure && <Failed failure={failure} onRetry={() => contacts.retry()} />}
      <ul
        class={contacts.status.value === 'loading' ? 'rows stale' : 'rows'}
        aria-busy={contacts.status.value === 'loading'}
      >
        {items.map((contact) => (
          <Row key={contact.id} contact={contact} selected={contact.id === selected} />
        ))}
      </ul>
      {contacts.hasMore.value && <More busy={contacts.loadingMore.value} onMore={() => contacts.loadMore()} />}
    </>
  );
}

function clearFilters(): void {
  contacts.setFilters(contacts.noFilters);
  setQuery({});
}

function Row({ contact, selected }: { contact: ContactView; selected: boolean }): JSX.Element {
  const name = nameOf(contact);
  return (
    <li>
      <a
        class="row"
        href={contacts.contactHref(contact.id)}
        aria-current={selected ? 'page' : undefined}
        data-testid="contact-row"
        data-contact-id={contact.id}
      >
        <Avatar name={contact.name} />
        <span class="row-main">
          <span class="row-title">
            <span class="row-name">{name}</span>
            <time class="row-time tabular" dateTime={contact.last_activity_at}>
              {shortTime(contact.last_activity_at)}
            </time>
          </span>
          <span class="row-sub">
            <span class="row-info">
              {[
                contact.phone && contact.name ? phone(contact.phone) : '',
                contact.order_no ? t('contact.order', { no: contact.order_no }) : '',
              ]
                .filter(Boolean)
                .join(' · ')}
            </span>
            {contact.ongoing_call ? (
              <Badge tone="good" testid="contact-in-call">
                {t('contact.in_call')}
              </Badge>
            ) : (
              contact.status && <Badge>{contact.status}</Badge>
            )}
          </span>
        </span>
      </a>
    </li>
  );
}
