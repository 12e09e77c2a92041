import { has, t, word } from '../i18n';
import type { CallEventView, CallTrace } from '../protocol/types';

// The journal of a call in words. Event names and fields are those of actors/call; unknown ones are shown by name.

/** namesOf maps the ids of legs and agents to names, as far as the call and the given people know them. */
export function namesOf(call: CallTrace, people: ReadonlyMap<string, { name: string }>): Map<string, string> {
  const names = new Map<string, string>();
  for (const [id, person] of people) names.set(id, person.name);
  for (const person of call.participants ?? []) {
    names.set(person.leg_id, person.name);
    if (person.agent_id) names.set(person.agent_id, person.name);
  }
  for (const event of call.events ?? []) {
    const data = record(event.data);
    const offer = record(data['offer']);
    if (typeof offer['id'] === 'string' && typeof offer['name'] === 'string') names.set(offer['id'], offer['name']);
    if (typeof data['leg'] === 'string' && typeof data['name'] === 'string') names.set(data['leg'], data['name']);
  }
  return names;
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** eventText says one entry. */
export function eventText(event: CallEventView, names: ReadonlyMap<string, string>): string {
  const data = record(event.data);
  const offer = record(data['offer']);
  const who =
    text(data['leg']) || text(data['agent']) || text(data['speaker']) || text(offer['agent']) || text(data['offer']);
  const params = {
    name: names.get(who) ?? (text(offer['name']) || t('event.somebody')),
    by: names.get(text(data['invited_by']) || text(offer['by'])) ?? '',
    gain: typeof data['gain'] === 'number' ? Math.round(data['gain'] * 100) : 100,
    reason: reasonOf(event.type, data, offer),
  };
  const key = variant(event.type, data, offer);
  if (has(key)) return t(key as Parameters<typeof t>[0], params);
  return word('event', event.type, 'event.unknown', params);
}

/** variant chooses among the sentences of one event by its data. */
function variant(type: string, data: Record<string, unknown>, offer: Record<string, unknown>): string {
  if (type === 'Created') return `event.Created.${text(data['direction'])}`;
  if (type === 'Muted') return data['muted'] === false ? 'event.Unmuted' : 'event.Muted';
  if (type === 'OfferMade') return `event.OfferMade.${text(offer['kind'])}`;
  if (type === 'OfferClosed') return `event.OfferClosed.${text(data['reason'])}`;
  if (type === 'Joined' && text(data['invited_by'])) return 'event.Joined.invited';
  if (type === 'Left') return `event.Left.${text(data['reason'])}`;
  if (type === 'StageEntered') return `event.StageEntered.${text(data['stage'])}`;
  return `event.${type}`;
}

function reasonOf(type: string, data: Record<string, unknown>, offer: Record<string, unknown>): string {
  if (type === 'Finished') {
    const why = word('end_reason', text(data['reason']), 'end_reason.unknown');
    const by = text(data['by']);
    return by ? `${word('ended_by', by, 'ended_by.system')} · ${why}` : why;
  }
  if (type === 'OfferMade') return word('involved', text(offer['reason']), 'involved.anyone');
  return text(data['detail']);
}
