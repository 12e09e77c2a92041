import { batch, signal } from '@preact/signals';
import { asFailure, type Failure } from '../protocol/failure';
import type { Query } from '../protocol/rest';
import type { CallView } from '../protocol/types';
import { listen, rest } from './store';
import { upsertCall } from './timeline';

// The call history of the company: one filter, the pages read so far. Calls that change are changed in place; new ones
// come on top when they fit the filter, which only the server knows for sure, so they are read from it.

export interface HistoryFilters {
  direction: string;
  agent: string;
  line: string;
  end_reason: string;
  ongoing: boolean;
  from: string; // YYYY-MM-DD, local day
  to: string; // YYYY-MM-DD, local day, included
  contact: string;
}

export const historyFilterNames = ['direction', 'agent', 'line', 'end_reason', 'from', 'to', 'contact'] as const;

export function historyFiltersOf(query: Readonly<Record<string, string>>): HistoryFilters {
  const out: HistoryFilters = {
    direction: '',
    agent: '',
    line: '',
    end_reason: '',
    ongoing: query['ongoing'] === '1',
    from: '',
    to: '',
    contact: '',
  };
  for (const name of historyFilterNames) out[name] = query[name] ?? '';
  return out;
}

export function historyQueryOf(filters: HistoryFilters): Record<string, string | undefined> {
  const out: Record<string, string | undefined> = { ongoing: filters.ongoing ? '1' : undefined };
  for (const name of historyFilterNames) out[name] = filters[name] || undefined;
  return out;
}

/** dayStart is the first moment of a local day, plus whole days, as RFC 3339; "" when the day is no date. */
export function dayStart(day: string, plusDays = 0): string {
  const match = /^(\d{4})-(\d{2})-(\d{2})$/.exec(day);
  if (!match) return '';
  const date = new Date(Number(match[1]), Number(match[2]) - 1, Number(match[3]) + plusDays);
  return Number.isNaN(date.getTime()) ? '' : date.toISOString();
}

export function historyRestQuery(filters: HistoryFilters, cursor: string): Query {
  return {
    contact: filters.contact,
    agent: filters.agent,
    line: filters.line,
    direction: filters.direction,
    end_reason: filters.end_reason,
    ongoing: filters.ongoing,
    from: dayStart(filters.from),
    to: dayStart(filters.to, 1),
    limit: 50,
    cursor,
  };
}

/** History is the list on the screen, which makes it and closes it. */
export class History {
  readonly calls = signal<CallView[]>([]);
  readonly status = signal<'loading' | 'ready' | 'failed'>('loading');
  readonly failure = signal<Failure | null>(null);
  readonly cursor = signal('');
  readonly loadingMore = signal(false);

  private filters: HistoryFilters = historyFiltersOf({});
  private failedAt: 'replace' | 'first' | 'more' = 'replace';
  private reading: AbortController | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private readonly stop: () => void;

  constructor() {
    this.stop = listen({
      call: (call) => this.changed(call),
      reset: () => void this.read('first'),
    });
  }

  close(): void {
    this.stop();
    clearTimeout(this.timer);
    this.reading?.abort();
  }

  setFilters(filters: HistoryFilters): void {
    this.filters = filters;
    this.status.value = 'loading';
    void this.read('replace');
  }

  /** retry reads again what could not be read: the next page, or the list from its top. */
  retry(): void {
    if (this.failedAt === 'more') return this.loadMore();
    if (this.failedAt === 'replace') this.status.value = 'loading';
    void this.read(this.failedAt);
  }

  loadMore(): void {
    if (!this.cursor.peek() || this.loadingMore.peek()) return;
    this.loadingMore.value = true;
    void this.read('more');
  }

  private changed(call: CallView): void {
    const known = this.calls.peek().some((other) => other.call_id === call.call_id);
    if (known) {
      this.calls.value = upsertCall(this.calls.peek(), call);
      return;
    }
    if (this.timer !== undefined) return;
    this.timer = setTimeout(() => {
      this.timer = undefined;
      void this.read('first');
    }, 1000);
  }

  private async read(how: 'replace' | 'first' | 'more'): Promise<void> {
    this.reading?.abort();
    const abort = new AbortController();
    this.reading = abort;
    try {
      const from = how === 'more' ? this.cursor.peek() : '';
      const page = await rest.calls(historyRestQuery(this.filters, from), abort.signal);
      if (abort.signal.aborted) return;
      batch(() => {
        let calls = how === 'replace' ? [] : this.calls.peek();
        for (const call of page.items ?? []) calls = upsertCall(calls, call);
        this.calls.value = calls;
        if (how !== 'first') this.cursor.value = page.next_cursor ?? '';
        this.status.value = 'ready';
        this.failure.value = null;
      });
    } catch (err) {
      const problem = asFailure(err);
      if (abort.signal.aborted || problem.code === 'aborted') return;
      this.failedAt = how;
      batch(() => {
        this.failure.value = problem;
        if (how === 'replace') this.status.value = 'failed';
      });
    } finally {
      if (this.reading === abort) this.loadingMore.value = false;
    }
  }
}
