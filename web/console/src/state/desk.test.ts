import { describe, expect, it } from 'vitest';
import type { CallView, NoticeView, OfferView, PushFrame, Snapshot } from '../protocol/types';
import { applyPush, emptyDesk, isOver, myLeg, newerCall, otherAgents, present, resetDesk } from './desk';

const contact = { id: 'ct_1', version: 1, name: 'Ana', last_activity_at: '2026-11-24T12:00:00Z' };
const line = { id: 'ln_1', name: 'Central', display_number: '+55', calling: true };

const call = (part: Partial<CallView> = {}): CallView => ({
  call_id: 'cl_1',
  version: 1,
  direction: 'inbound',
  state: 'active',
  contact,
  line,
  participants: [
    { leg_id: 'lg_c', kind: 'contact', name: 'Ana', state: 'connected', muted: false },
    { leg_id: 'lg_me', kind: 'agent', agent_id: 'ag_1', name: 'Luis', state: 'connected', muted: false },
  ],
  my_leg_id: 'lg_me',
  created_at: '2026-11-24T12:00:00Z',
  talk_ms: 0,
  ...part,
});

const left = (c: CallView): CallView => ({
  ...c,
  participants: (c.participants ?? []).map((p) => (p.leg_id === 'lg_me' ? { ...p, state: 'left' } : p)),
});

const offer = (id: string, at: string): OfferView => ({
  offer_id: id,
  call_id: 'cl_1',
  kind: 'inbound',
  reason: 'anyone',
  contact,
  line,
  created_at: at,
  expires_at: '2026-11-24T12:00:25Z',
});

const notice = (id: string, at: string): NoticeView => ({ notice_id: id, kind: 'call_missed', at });

const snapshot = (part: Partial<Snapshot> = {}): Snapshot => ({
  seq: 1,
  agent: { id: 'ag_1', name: 'Luis', role: 'agent', presence: 'available', since: '2026-11-24T11:00:00Z' },
  offers: null,
  notices: null,
  lines: null,
  ...part,
});

const push = (type: string, data: unknown): PushFrame => ({ seq: 2, type, data });

describe('a snapshot', () => {
  it('replaces everything, and lists may be null', () => {
    const old = applyPush(emptyDesk, push('offer.created', offer('of_1', 'a')));
    expect(resetDesk(old, snapshot())).toMatchObject({ ready: true, offers: [], notices: [], lines: [], call: null });
  });

  it('forgets a call that it does not hold, unless its end is still shown', () => {
    const live = { ...emptyDesk, call: call() };
    expect(resetDesk(live, snapshot()).call).toBeNull();
    const ended = { ...emptyDesk, call: call({ state: 'ended' }) };
    expect(resetDesk(ended, snapshot()).call?.state).toBe('ended');
    expect(resetDesk(ended, snapshot({ call: call({ call_id: 'cl_2' }) })).call?.call_id).toBe('cl_2');
  });

  it('sorts notices, newest first', () => {
    const desk = resetDesk(emptyDesk, snapshot({ notices: [notice('n1', '2026-01-01'), notice('n2', '2026-02-01')] }));
    expect(desk.notices.map((n) => n.notice_id)).toEqual(['n2', 'n1']);
  });
});

describe('events', () => {
  it('opens and closes offers, oldest first, each once', () => {
    let desk = applyPush(emptyDesk, push('offer.created', offer('of_2', '2')));
    desk = applyPush(desk, push('offer.created', offer('of_1', '1')));
    desk = applyPush(desk, push('offer.created', offer('of_2', '2')));
    expect(desk.offers.map((o) => o.offer_id)).toEqual(['of_1', 'of_2']);
    desk = applyPush(desk, push('offer.closed', { offer_id: 'of_1', call_id: 'cl_1', reason: 'expired' }));
    desk = applyPush(desk, push('offer.closed', { offer_id: 'of_9', call_id: 'cl_1', reason: 'expired' }));
    expect(desk.offers.map((o) => o.offer_id)).toEqual(['of_2']);
  });

  it('adds notices once and removes acknowledged ones', () => {
    let desk = applyPush(emptyDesk, push('notice.created', notice('n1', '1')));
    desk = applyPush(desk, push('notice.created', notice('n1', '1')));
    desk = applyPush(desk, push('notice.created', notice('n2', '2')));
    expect(desk.notices.map((n) => n.notice_id)).toEqual(['n2', 'n1']);
    expect(applyPush(desk, push('notice.acked', { notice_ids: ['n2'] })).notices).toHaveLength(1);
  });

  it('ignores kinds that it does not know', () => {
    expect(applyPush(emptyDesk, push('moon.rose', {}))).toBe(emptyDesk);
  });
});

describe('the call', () => {
  it.each([
    ['a higher version replaces', call({ version: 2 }), call({ version: 3, state: 'ended' }), 'ended'],
    ['a lower version does not', call({ version: 3 }), call({ version: 2, state: 'ended' }), 'active'],
    ['the end of another call does not take our place', call(), call({ call_id: 'cl_2', state: 'ended' }), 'active'],
    ['another live call takes the place', call(), call({ call_id: 'cl_2', state: 'ringing' }), 'ringing'],
  ])('%s', (_name, current, next, state) => {
    expect(newerCall(current, next).state).toBe(state);
  });

  it('is over when it ended or when I left', () => {
    expect(isOver(call())).toBe(false);
    expect(isOver(call({ state: 'ended' }))).toBe(true);
    expect(isOver(left(call()))).toBe(true);
  });

  it('finds my newest leg also without my_leg_id', () => {
    const again = call({
      my_leg_id: undefined,
      participants: [
        { leg_id: 'lg_1', kind: 'agent', agent_id: 'ag_1', name: 'Luis', state: 'left', muted: false },
        { leg_id: 'lg_2', kind: 'agent', agent_id: 'ag_1', name: 'Luis', state: 'connected', muted: false },
      ],
    });
    expect(myLeg(again, 'ag_1')?.leg_id).toBe('lg_2');
    expect(myLeg(again, 'ag_2')).toBeUndefined();
  });

  it('counts colleagues who are in, not those who are only invited', () => {
    const people = call().participants ?? [];
    const colleague = { leg_id: 'lg_f', kind: 'agent', agent_id: 'ag_2', name: 'Fernando', muted: false };
    const invited = call({ participants: [...people, { ...colleague, state: 'invited' }] });
    const joined = call({ participants: [...people, { ...colleague, state: 'connected' }] });
    expect([otherAgents(call()), otherAgents(invited), otherAgents(joined)]).toEqual([0, 0, 1]);
    expect(present(left(call()))).toHaveLength(1);
    expect(present(call({ participants: null }))).toEqual([]);
  });
});
