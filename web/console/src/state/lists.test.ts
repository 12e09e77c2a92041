// @vitest-environment happy-dom
import { describe, expect, it, vi } from 'vitest';
import type { CallView, ContactView, EligibilityView, MessageView } from '../protocol/types';
import { filtersOf, noFilters, queryOf, restQuery, withFirstPage, withHint, withNextPage } from './contacts';
import { atMost, later } from './debounce';
import { callsLeft, nextChange, windowOpen } from './eligibility';
import { dayStart, historyFiltersOf, historyQueryOf, historyRestQuery } from './history';
import { timeline, upsertCall, upsertMessage } from './timeline';

const contact = (id: string, version = 1): ContactView => ({ id, version, name: id, last_activity_at: '' });
const ids = (items: ContactView[]) => items.map((item) => item.id).join(' ');

describe('the contact list', () => {
  const items = [contact('a'), contact('b'), contact('c')];

  it('changes a row in place, never to an older version', () => {
    const next = withHint(items, { ...contact('b', 2), name: 'new' });
    expect(next?.map((item) => item.name)).toEqual(['a', 'new', 'c']);
    expect(withHint(next ?? [], contact('b', 1))).toBe(next);
    expect(withHint(items, contact('z'))).toBeNull();
  });

  it('puts a new first page on top and keeps what was read below', () => {
    expect(ids(withFirstPage(items, { items: [contact('z'), contact('a')], next_cursor: 'x' }))).toBe('z a b c');
    expect(ids(withFirstPage(items, { items: [contact('a')] }))).toBe('a');
  });

  it('does not draw a row twice that moved between pages', () => {
    expect(ids(withNextPage(items, { items: [contact('c'), contact('d')] }))).toBe('a b c d');
  });

  it('keeps its filter in the address and gives it to the server', () => {
    const filters = { ...noFilters, q: ' ana ', ongoing: true, mine: true, status: 'Pago' };
    expect(filtersOf(JSON.parse(JSON.stringify(queryOf(filters))))).toEqual(filters);
    expect(restQuery(filters, 'ag_1', 'cur')).toMatchObject({
      q: 'ana',
      ongoing: true,
      may_call: false,
      agent: 'ag_1',
      status: 'Pago',
      cursor: 'cur',
    });
    expect(restQuery(noFilters, 'ag_1', '')['agent']).toBe('');
  });
});

const message = (id: string, at: string, part: Partial<MessageView> = {}): MessageView => ({
  message_id: id,
  contact_id: 'ct',
  line_id: 'ln',
  direction: 'in',
  kind: 'text',
  at,
  ...part,
});
const call = (id: string, at: string, version = 1) => ({ call_id: id, created_at: at, version }) as CallView;

describe('the timeline', () => {
  const d1 = '2026-11-23T15:00:00Z';
  const d2 = '2026-11-24T12:00:00Z';
  const d3 = '2026-11-24T13:00:00Z';

  it('keeps messages newest first and replaces by id', () => {
    let list = upsertMessage([], message('m1', d1));
    list = upsertMessage(list, message('m3', d3));
    list = upsertMessage(list, message('m2', d2));
    list = upsertMessage(list, message('m2', d2, { status: 'read' }));
    expect(list.map((m) => m.message_id)).toEqual(['m3', 'm2', 'm1']);
    expect(list[1]?.status).toBe('read');
  });

  it('orders by the moment, not by the text of it, and keeps the order of equal ones', () => {
    const whole = '2026-11-24T12:44:24Z';
    const later = '2026-11-24T12:44:24.07Z'; // as text it is smaller
    const list = upsertMessage(upsertMessage([], message('question', whole)), message('reply', later));
    expect(list.map((m) => m.message_id)).toEqual(['reply', 'question']);
    const keys = timeline([message('second', whole), message('first', whole)], [], true).map((entry) => entry.key);
    expect(keys.slice(1)).toEqual(['first', 'second']);
    const read = upsertMessage([message('b', whole), message('a', whole)], message('a', whole, { status: 'read' }));
    expect(read.map((m) => m.message_id)).toEqual(['b', 'a']);
  });

  it('keeps calls newest first and ignores an older version', () => {
    let list = upsertCall([call('c1', d1, 2)], call('c2', d2));
    list = upsertCall(list, call('c1', d1, 1));
    expect(list.map((c) => `${c.call_id}.${c.version}`)).toEqual(['c2.1', 'c1.2']);
  });

  it('merges both, marks the days, and draws a call once', () => {
    const messages = [
      message('m2', d3),
      message('s1', d2, { kind: 'call', data: { call_id: 'c1' } }),
      message('m1', d1),
    ];
    const kinds = timeline(messages, [call('c1', d2)], true).map((entry) => `${entry.kind}:${entry.key}`);
    expect(kinds).toEqual(['day:day-2026-11-23', 'message:m1', 'day:day-2026-11-24', 'call:c1', 'message:m2']);
  });

  it('shows a call from its message while its record is not read', () => {
    const messages = [message('s1', d2, { kind: 'call', data: { call_id: 'c9' } })];
    expect(timeline(messages, [], true).map((entry) => entry.key)).toContain('s1');
  });

  it('holds back calls older than the messages read so far', () => {
    const keys = (complete: boolean) =>
      timeline([message('m', d2)], [call('old', d1)], complete).map((entry) => entry.key);
    expect(keys(false)).not.toContain('old');
    expect(keys(true)).toContain('old');
  });
});

describe('may we call', () => {
  const now = Date.parse('2026-11-24T12:00:00Z');
  const view = (part: Partial<EligibilityView>): EligibilityView => ({
    contact_id: 'ct',
    line_id: 'ln',
    permission: 'none',
    can_call: false,
    can_request: false,
    limits: [],
    unanswered_streak: 0,
    ...part,
  });

  it('says what is left by the strictest limit of calls', () => {
    const limits = [
      { name: 'meta_calls_connected', period: 'PT24H', max: 100, used: 1 },
      { name: 'calls_connected', period: 'PT24H', max: 5, used: 3 },
      { name: 'permission_requests_day', period: 'PT24H', max: 1, used: 1 },
    ];
    expect(callsLeft(view({ limits }))).toEqual({ left: 2, max: 5 });
    expect(callsLeft(view({ limits: [{ name: 'calls_connected', period: 'PT24H', max: 5, used: 7 }] }))?.left).toBe(0);
    expect(callsLeft(view({ limits: null }))).toBeNull();
  });

  it('knows the window and the next change by itself', () => {
    expect(windowOpen(view({ window_until: '2026-11-24T12:00:01Z' }), now)).toBe(true);
    expect(windowOpen(view({ window_until: '2026-11-24T11:59:59Z' }), now)).toBe(false);
    expect(windowOpen(view({}), now)).toBe(false);
    const changing = view({
      permission_until: '2026-11-30T00:00:00Z',
      window_until: '2026-11-24T11:00:00Z',
      call_reasons: [{ code: 'daily_limit', next_allowed_at: '2026-11-24T15:00:00Z' }],
      request_reasons: [{ code: 'request_limit_day' }],
    });
    expect(nextChange(changing, now)).toBe(Date.parse('2026-11-24T15:00:00Z'));
    expect(nextChange(view({}), now)).toBeNull();
  });
});

describe('the history filter', () => {
  it('turns local days into moments, the last day included', () => {
    expect(dayStart('2026-11-24')).toBe('2026-11-24T03:00:00.000Z');
    expect(dayStart('2026-11-30', 1)).toBe('2026-12-01T03:00:00.000Z');
    expect(dayStart('24/11/2026')).toBe('');
  });

  it('survives the address', () => {
    const filters = {
      ...historyFiltersOf({}),
      direction: 'inbound',
      ongoing: true,
      from: '2026-11-24',
      to: '2026-11-24',
    };
    expect(historyFiltersOf(JSON.parse(JSON.stringify(historyQueryOf(filters))))).toEqual(filters);
    expect(historyRestQuery(filters, '')).toMatchObject({
      direction: 'inbound',
      ongoing: true,
      from: '2026-11-24T03:00:00.000Z',
      to: '2026-11-25T03:00:00.000Z',
    });
  });
});

describe('pauses', () => {
  it('later runs the newest call only', () => {
    vi.useFakeTimers();
    const run = vi.fn();
    const call = later(100, run);
    call(1);
    vi.advanceTimersByTime(60);
    call(2);
    vi.advanceTimersByTime(100);
    expect(run.mock.calls).toEqual([[2]]);
    call(3);
    call.cancel();
    vi.runAllTimers();
    expect(run).toHaveBeenCalledOnce();
    vi.useRealTimers();
  });

  it('atMost runs at once, then seldom, and never forgets the last', () => {
    vi.useFakeTimers();
    const run = vi.fn();
    const call = atMost(100, run);
    call();
    call();
    call();
    expect(run).toHaveBeenCalledTimes(1);
    vi.advanceTimersByTime(100);
    expect(run).toHaveBeenCalledTimes(2);
    vi.advanceTimersByTime(1000);
    expect(run).toHaveBeenCalledTimes(2);
    vi.useRealTimers();
  });
});
