// @vitest-environment happy-dom
import { beforeEach, describe, expect, it } from 'vitest';
import { differences } from '../../../shared/i18n/engine';
import { Failure } from '../protocol/failure';
import type { CallTrace, CallView, EligibilityView, NoticeView, OfferView, ParticipantView } from '../protocol/types';
import { endReasons } from '../screens/history';
import { eventText, namesOf } from '../ui/journal';
import {
  endedSentence,
  legText,
  messageErrorText,
  noticeText,
  outcomeText,
  permissionSentence,
  reasonText,
  whyMe,
} from '../ui/words';
import en from './en.json';
import { chooseLocale, failureText, has } from './index';
import ptBR from './pt-BR.json';

const plain = (text: string) => text.replace(/[\u00a0\u202f]/g, ' ');

beforeEach(() => chooseLocale('pt-BR'));

describe('the catalogues', () => {
  it('have the same keys and placeholders', () => {
    expect(differences(ptBR, en)).toEqual([]);
  });

  it('have no empty text', () => {
    const texts = [...Object.values(ptBR), ...Object.values(en)].flatMap((m) =>
      typeof m === 'string' ? [m] : Object.values(m),
    );
    expect(texts.filter((text) => text.trim() === '')).toEqual([]);
  });

  // the closed lists of docs/agent-protocol.md: each word must be said in words
  it.each([
    [
      'error',
      'permission_missing permission_expired daily_limit meta_daily_limit contact_busy agent_busy calling_disabled calling_restricted',
    ],
    [
      'error',
      'concurrency agent_unavailable out_of_hours offer_closed not_in_call agent_offline already_in_call call_full not_invited call_ended in_call',
    ],
    ['error', 'request_limit_day request_limit_week permission_permanent no_template window_closed too_many_requests'],
    ['error', 'unknown_type etag_mismatch not_found token_missing token_expired token_invalid'],
    ['error.kind', 'invalid denied not_found conflict unavailable exhausted internal unknown'],
    ['presence', 'offline available busy wrap_up break not_responding'],
    ['permission', 'none requested granted_temporary granted_permanent declined expired revoked'],
    ['call_state', 'dialing ringing offering connecting active'],
    ['leg_state', 'invited connecting connected reconnecting left'],
    ['end_reason', endReasons.join(' ')],
    ['ended_by', 'customer agent supervisor system provider'],
    ['involved', 'order_owner assigned recent_call recent_conversation'],
    ['why', 'order_owner assigned recent_call recent_conversation anyone invited'],
    ['message', 'permission_request call_button call voice unsupported'],
    ['message_status', 'pending sent delivered read failed'],
    ['microphone', 'denied absent busy insecure failed ended'],
    ['notice', 'permission_granted permission_declined permission_expired permission_revoked call_missed'],
    ['notice', 'invite_declined invite_expired request_failed'],
    [
      'event',
      'Created Identified Connected Rang EarlyAnswered StageEntered LookedAgain OfferMade OfferClosed Taken Joined',
    ],
    [
      'event',
      'Reattached MediaUp MediaAway PickedUp PickUpCorrected AttachUndone SaidGoodbye HangupDue Muted GainSet Left Finished',
    ],
  ])('know every word of %s: %s', (prefix, words) => {
    expect(words.split(' ').filter((name) => !has(`${prefix}.${name}`))).toEqual([]);
  });
});

describe('errors in words', () => {
  it('says a known code, with the time from which it may work', () => {
    const at = new Date(Date.now() + 60_000).toISOString();
    const text = failureText(new Failure({ kind: 'exhausted', code: 'daily_limit', next_allowed_at: at }));
    expect(text).toMatch(/^O limite de ligações .* Possível a partir de (hoje|amanhã), \d\d:\d\d\.$/);
  });

  it('says an unknown code by its kind and detail', () => {
    expect(failureText(new Failure({ kind: 'unavailable', code: 'moon', detail: 'the moon is full' }))).toBe(
      'O serviço está fora do ar. Tente de novo em instantes. Detalhe para o suporte: the moon is full',
    );
    expect(failureText(new Failure({ kind: 'new_kind', code: 'new_code' }))).toContain('new_code');
  });
});

describe('sentences', () => {
  const base = { contact_id: 'c', line_id: 'l', can_call: true, can_request: true, unanswered_streak: 0 };

  it('say until when and how often we may call', () => {
    const view: EligibilityView = {
      ...base,
      permission: 'granted_temporary',
      permission_until: '2030-12-01T17:30:00Z',
      limits: [{ name: 'calls_connected', period: 'PT24H', max: 5, used: 1 }],
    };
    expect(plain(permissionSentence(view))).toBe(
      'Pode ligar até 1 de dez. de 2030, 14:30, 4 de 5 ligações restantes hoje',
    );
    expect(permissionSentence({ ...base, permission: 'declined', limits: view.limits })).toBe(
      'Recusou receber ligações',
    );
    expect(permissionSentence({ ...base, permission: 'moon', limits: [] })).toBe('Permissão: moon');
    expect(reasonText({ code: 'brand_new' })).toContain('brand_new');
  });

  it('say why me', () => {
    const offer = (part: Partial<OfferView>) => whyMe({ kind: 'inbound', reason: 'anyone', ...part } as OfferView);
    expect(offer({ reason: 'order_owner', reason_info: 'PV-1' })).toContain('pedido PV-1');
    expect(offer({ reason: 'order_owner' })).toContain('pedido deste contato');
    expect(offer({ reason: 'recent_call' })).toContain('há pouco');
    expect(offer({ reason: 'something_new' })).toContain('todos os atendentes');
    expect(offer({ kind: 'invite', reason: 'invited', invited_by: { id: 'a', name: 'Luis' } })).toContain(
      'Luis convidou você',
    );
  });

  it('say who ended a call and why', () => {
    const call = (part: Partial<CallView>) => ({ state: 'ended', talk_ms: 0, ...part }) as CallView;
    expect(endedSentence(call({ ended_by: 'customer', end_reason: 'completed' }), false)).toBe(
      'Ligação encerrada pelo contato',
    );
    expect(endedSentence(call({ ended_by: 'system', end_reason: 'no_answer' }), false)).toBe(
      'Ligação encerrada pelo sistema: Ninguém atendeu',
    );
    expect(endedSentence(call({}), true)).toContain('Você saiu');
    expect(outcomeText(call({ end_reason: 'comet' }))).toBe('Encerrada (comet)');
  });

  it('say what somebody in a call is doing', () => {
    const leg = (direction: string, state: string, kind: string, leg_state: string) =>
      legText({ direction, state } as CallView, { kind, state: leg_state } as ParticipantView);
    expect(leg('outbound', 'dialing', 'contact', 'invited')).toBe('Chamando…');
    expect(leg('outbound', 'ringing', 'contact', 'connecting')).toBe('Chamando…');
    expect(leg('outbound', 'active', 'contact', 'connecting')).toBe('Conectando…');
    expect(leg('inbound', 'active', 'agent', 'invited')).toBe('Convite enviado');
  });

  it('say why a message failed', () => {
    expect(messageErrorText('template_missing: template x does not exist in pt_BR')).toContain('não existe');
    expect(messageErrorText('window_closed')).toContain('24 h');
    expect(messageErrorText('comet_passed: oh')).toBe('comet_passed: oh');
  });

  it('say notices', () => {
    const notice = (part: Partial<NoticeView>) =>
      noticeText({ notice_id: 'n', kind: 'x', at: '', contact_name: 'Ana', ...part });
    expect(notice({ kind: 'permission_granted', permanent: true })).toBe('Ana aceitou: você pode ligar sempre.');
    expect(notice({ kind: 'permission_granted' })).toBe('Ana aceitou: você pode ligar.');
    expect(notice({ kind: 'permission_granted', until: '2030-12-01T17:30:00Z' })).toContain('pode ligar até');
    expect(notice({ kind: 'comet' })).toContain('comet');
  });

  it('say the journal, with names', () => {
    const call = {
      participants: [{ leg_id: 'lg_1', kind: 'agent', agent_id: 'ag_1', name: 'Luis', state: 'left', muted: false }],
      events: [],
    } as unknown as CallTrace;
    const names = namesOf(call, new Map([['ag_2', { name: 'Fernando' }]]));
    const say = (type: string, data: unknown) => eventText({ seq: 1, type, at: '', data }, names);
    expect(say('Created', { direction: 'inbound' })).toBe('O contato ligou');
    expect(say('Joined', { leg: 'lg_1' })).toBe('Luis entrou');
    expect(say('Joined', { leg: 'lg_1', invited_by: 'ag_2' })).toBe('Luis entrou a convite de Fernando');
    expect(say('Muted', { leg: 'lg_1', muted: false })).toBe('Luis ligou o microfone');
    expect(say('GainSet', { listener: 'lg_9', speaker: 'lg_1', gain: 0.5 })).toBe('Volume de Luis ajustado para 50 %');
    expect(
      say('OfferMade', { offer: { name: 'Marta', agent: 'ag_9', kind: 'inbound', reason: 'assigned' } }),
    ).toContain('Marta');
    expect(say('Finished', { by: 'customer', reason: 'completed' })).toBe('Encerrada pelo contato · Concluída');
    expect(say('Comet', null)).toBe('Comet');
  });
});
