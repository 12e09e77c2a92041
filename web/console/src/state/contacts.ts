import { batch, computed, signal } from '@preact/signals';
import { asFailure, type Failure } from '../protocol/failure';
import type { Query } from '../protocol/rest';
import type { ContactView, Page } from '../protocol/types';
import { atMost, later } from './debounce';
import { formatHash, route } from './route';
import { agent, desk, listen, rest } from './store';

// The contact list: one filter, the pages read so far and what has changed since. Hints change rows in place; the order
// moves only when the user is not looking at a row (calm) or asks for it.

export interface Filters {
  q: string;
  ongoing: boolean;
  may_call: boolean;
  window_open: boolean;
  mine: boolean;
  status: string;
}

export const noFilters: Filters = {
  q: '',
  ongoing: false,
  may_call: false,
  window_open: false,
  mine: false,
  status: '',
};

/** filtersOf reads the address; queryOf writes it. */
export function filtersOf(query: Readonly<Record<string, string>>): Filters {
  const on = (name: string) => query[name] === '1';
  return {
    q: query['q'] ?? '',
    ongoing: on('ongoing'),
    may_call: on('may_call'),
    window_open: on('window_open'),
    mine: on('mine'),
    status: query['status'] ?? '',
  };
}

export function queryOf(filters: Filters): Record<string, string | undefined> {
  const flag = (value: boolean) => (value ? '1' : undefined);
  return {
    q: filters.q || undefined,
    ongoing: flag(filters.ongoing),
    may_call: flag(filters.may_call),
    window_open: flag(filters.window_open),
    mine: flag(filters.mine),
    status: filters.status || undefined,
  };
}

/** restQuery is the same filter as the server takes it. */
export function restQuery(filters: Filters, agentId: string, cursor: string): Query {
  return {
    q: filters.q.trim(),
    ongoing: filters.ongoing,
    may_call: filters.may_call,
    window_open: filters.window_open,
    status: filters.status,
    agent: filters.mine ? agentId : '',
    limit: 50,
    cursor,
  };
}

/** withHint replaces a row that is in the list by a newer one; null when the contact is not in the list. */
export function withHint(items: ContactView[], contact: ContactView): ContactView[] | null {
  const index = items.findIndex((item) => item.id === contact.id);
  const known = items[index];
  if (!known) return null;
  if (contact.version < known.version) return items;
  const next = [...items];
  next[index] = contact;
  return next;
}

/** withFirstPage puts a newly read first page on top and keeps what had been read below it. */
export function withFirstPage(items: ContactView[], page: Page<ContactView>): ContactView[] {
  const first = page.items ?? [];
  if (!page.next_cursor) return first;
  const ids = new Set(first.map((item) => item.id));
  return [...first, ...items.filter((item) => !ids.has(item.id))];
}

/** withNextPage appends what is new; a row that moved up meanwhile is not drawn twice. */
export function withNextPage(items: ContactView[], page: Page<ContactView>): ContactView[] {
  const ids = new Set(items.map((item) => item.id));
  return [...items, ...(page.items ?? []).filter((item) => !ids.has(item.id))];
}

export const filters = signal<Filters>(noFilters);
export const items = signal<ContactView[]>([]);
export const status = signal<'loading' | 'ready' | 'failed'>('loading');
export const failure = signal<Failure | null>(null);
export const loadingMore = signal(false);
export const changes = signal(0); // contacts that changed and are not in place yet
export const statuses = signal<readonly string[]>([]); // seen so far, for the filter
export const cursor = signal('');
export const hasMore = computed(() => cursor.value !== '');

/** calm is set by the screen: true while nobody points at or stands in the list, and it is scrolled to the top. */
export const calm = { value: () => true };

let reading: AbortController | null = null;
let failedAt: 'replace' | 'first' | 'more' = 'replace';

function rememberStatuses(contacts: readonly ContactView[]): void {
  const known = new Set(statuses.peek());
  for (const contact of contacts) if (contact.status) known.add(contact.status);
  if (known.size !== statuses.peek().length) statuses.value = [...known].sort((a, b) => a.localeCompare(b));
}

async function read(how: 'replace' | 'first' | 'more'): Promise<void> {
  reading?.abort();
  const abort = new AbortController();
  reading = abort;
  const from = how === 'more' ? cursor.peek() : '';
  try {
    const page = await rest.contacts(restQuery(filters.peek(), agent.peek()?.id ?? '', from), abort.signal);
    if (abort.signal.aborted) return;
    batch(() => {
      rememberStatuses(page.items ?? []);
      if (how === 'more') items.value = withNextPage(items.peek(), page);
      else if (how === 'first' && items.peek().length > (page.items?.length ?? 0))
        items.value = withFirstPage(items.peek(), page);
      else items.value = page.items ?? [];
      if (how !== 'first' || items.peek().length <= (page.items?.length ?? 0)) cursor.value = page.next_cursor ?? '';
      if (how !== 'more') changes.value = 0;
      status.value = 'ready';
      failure.value = null;
    });
  } catch (err) {
    const problem = asFailure(err);
    if (abort.signal.aborted || problem.code === 'aborted') return;
    failedAt = how;
    batch(() => {
      failure.value = problem;
      if (how === 'replace') status.value = 'failed';
    });
  } finally {
    if (reading === abort) loadingMore.value = false;
  }
}

const readLater = later(250, () => void read('replace'));
const refreshSoon = atMost(1500, () => void read('first'));

/** reload reads the first page of the present filter and forgets the rest. */
export function reload(): void {
  status.value = 'loading';
  readLater.cancel();
  void read('replace');
}

/** retry reads again what could not be read: the next page, or the list from its top. */
export function retry(): void {
  if (failedAt === 'more') loadMore();
  else void read('first');
}

/** showChanges puts what has changed in its place. */
export function showChanges(): void {
  void read('first');
}

export function loadMore(): void {
  if (!hasMore.peek() || loadingMore.peek()) return;
  loadingMore.value = true;
  void read('more');
}

/** setFilters reads at once, but waits for a pause while text is typed; an older answer never overwrites a newer one. */
export function setFilters(next: Filters): void {
  const before = filters.peek();
  if (JSON.stringify(before) === JSON.stringify(next)) return;
  filters.value = next;
  if (before.q !== next.q) readLater();
  else reload();
}

function changed(contact: ContactView): void {
  rememberStatuses([contact]);
  const next = withHint(items.peek(), contact);
  if (next) items.value = next;
  if (calm.value()) return refreshSoon();
  if (!next) changes.value += 1;
}

/** listQuery is the present filter as the address carries it; contactHref leads to a contact and keeps the filter. */
export function listQuery(): Record<string, string | undefined> {
  return queryOf(filters.value);
}

export function contactHref(id: string): string {
  return formatHash({ place: 'contacts', id, query: listQuery() });
}

/** watchContacts keeps the list current until the returned function is called. */
export function watchContacts(): () => void {
  if (route.peek().place === 'contacts') filters.value = filtersOf(route.peek().query);
  if (desk.peek().ready) void read('replace');
  const stop = listen({ contact: changed, reset: () => void read(status.peek() === 'ready' ? 'first' : 'replace') });
  return () => {
    stop();
    refreshSoon.cancel();
    readLater.cancel();
    reading?.abort();
  };
}
