import { dayTime, duration, has, type Key, t, word } from '../i18n';
import type {
  CallView,
  Colleague,
  EligibilityView,
  NoticeView,
  OfferView,
  ParticipantView,
  Reason,
} from '../protocol/types';
import { callsLeft } from '../state/eligibility';

// Views said in words. Every enumeration is open: a word that the catalogues do not know is shown as it came.

/** permissionSentence: "May be called until …, N of 5 calls left today". */
export function permissionSentence(view: EligibilityView): string {
  const until = view.permission_until ? dayTime(view.permission_until) : '';
  const permitted = view.permission === 'granted_temporary' || view.permission === 'granted_permanent';
  const key = view.permission === 'granted_temporary' && !until ? 'granted' : view.permission;
  const state = word('permission', key, 'permission.unknown', { until });
  const left = callsLeft(view);
  return permitted && left ? `${state}, ${t('permission.calls_left', { count: left.left, max: left.max })}` : state;
}

export function reasonText(reason: Reason): string {
  const text = word('error', reason.code, 'error.unknown_reason');
  return reason.next_allowed_at
    ? `${text} ${t('error.next_allowed', { when: dayTime(reason.next_allowed_at) })}`
    : text;
}

/** whyMe is the sentence on the modal that says why this agent is being called. */
export function whyMe(offer: OfferView): string {
  const when = offer.reason_at ? dayTime(offer.reason_at) : '';
  const params = { info: offer.reason_info ?? '', when, name: offer.invited_by?.name ?? '' };
  if (offer.reason === 'invited' || offer.kind === 'invite') {
    return params.name ? t('why.invited', params) : t('why.invited_unknown');
  }
  if (offer.reason === 'order_owner') return t(params.info ? 'why.order_owner' : 'why.order_owner_plain', params);
  if (offer.reason === 'recent_call') return t(when ? 'why.recent_call' : 'why.recent_call_plain', params);
  if (offer.reason === 'recent_conversation') {
    return t(when ? 'why.recent_conversation' : 'why.recent_conversation_plain', params);
  }
  return word('why', offer.reason, 'why.anyone', params);
}

export function involvedText(colleague: Colleague): string {
  if (!colleague.involved) return '';
  const text = word('involved', colleague.involved, 'involved.other');
  return colleague.involved_at ? `${text} · ${dayTime(colleague.involved_at)}` : text;
}

export function directionText(call: CallView): string {
  return word('direction', call.direction, 'direction.unknown');
}

/** legText says what somebody in a call is doing; the customer whom we call is being called, not invited. */
export function legText(call: CallView, person: ParticipantView): string {
  const called = call.direction === 'outbound' && (call.state === 'dialing' || call.state === 'ringing');
  if (person.kind === 'contact' && (person.state === 'invited' || (called && person.state === 'connecting')))
    return t('leg_state.calling');
  return word('leg_state', person.state, 'leg_state.connected');
}

/** messageErrorText says why a message was not delivered: our word ("template_missing: …") in words, else as it came. */
export function messageErrorText(error: string): string {
  const name = error.split(':', 1)[0]?.trim() ?? '';
  return has(`error.${name}`) ? t(`error.${name}` as Key) : error;
}

/** outcomeText says how a call ended, or what it is doing. */
export function outcomeText(call: CallView): string {
  if (call.state !== 'ended') return word('call_state', call.state, 'call_state.active');
  return word('end_reason', reasonOf(call), 'end_reason.unknown');
}

/** reasonOf tells an agent who gave up before the answer from a contact who did: the protocol has one word for both. */
function reasonOf(call: CallView): string {
  if (call.end_reason === 'abandoned' && call.ended_by === 'agent') return 'cancelled';
  return call.end_reason ?? 'completed';
}

export function talkText(call: CallView): string {
  return call.talk_ms > 0 ? duration(call.talk_ms) : '';
}

/** endedSentence says who ended a call and why. */
export function endedSentence(call: CallView, left: boolean): string {
  if (left) return t('ended.you_left');
  const by = call.ended_by ? word('ended_by', call.ended_by, 'ended_by.system') : '';
  const why = outcomeText(call);
  return by && call.end_reason === 'completed' ? t('ended.by', { by }) : by ? t('ended.by_why', { by, why }) : why;
}

export function outcomeTone(call: CallView): string {
  if (call.state !== 'ended') return 'accent';
  if (call.end_reason === 'completed') return 'good';
  return reasonOf(call) === 'cancelled' || call.end_reason === 'replaced' ? '' : 'bad';
}

export function agentsOf(call: CallView): string {
  const names = (call.participants ?? [])
    .filter((person) => person.kind === 'agent' && (person.joined_at !== undefined || person.state === 'connected'))
    .map((person) => person.name);
  return [...new Set(names)].join(', ');
}

export function noticeText(notice: NoticeView): string {
  const name = notice.contact_name || t('contact.unnamed');
  const params = { name, agent: notice.agent_name ?? '', until: notice.until ? dayTime(notice.until) : '' };
  if (notice.kind === 'permission_granted') {
    if (notice.permanent) return t('notice.permission_granted_permanent', params);
    return t(params.until ? 'notice.permission_granted' : 'notice.permission_granted_plain', params);
  }
  return word('notice', notice.kind, 'notice.unknown', params);
}
