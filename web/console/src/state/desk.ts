import type {
  AgentView,
  CallView,
  LineView,
  NoticeView,
  OfferView,
  ParticipantView,
  PushFrame,
  Snapshot,
} from '../protocol/types';
import { earlier } from './moments';

// The desk is all that belongs to this agent: the fold of a snapshot and the events after it, without the audio's slots,
// which belong to the tab that plays them (calls.ts). Pure; store.ts owns the one current value.

export interface Desk {
  ready: boolean; // a snapshot has been applied
  agent: AgentView | null;
  offers: OfferView[]; // oldest first
  call: CallView | null; // the agent's call; stays after its end until dismissed
  notices: NoticeView[]; // newest first
  lines: LineView[];
}

export const emptyDesk: Desk = { ready: false, agent: null, offers: [], call: null, notices: [], lines: [] };

/** resetDesk replaces everything by a snapshot. A call that has ended stays until it is dismissed. */
export function resetDesk(desk: Desk, snapshot: Snapshot): Desk {
  const kept = desk.call && isOver(desk.call) ? desk.call : null;
  return {
    ready: true,
    agent: snapshot.agent,
    offers: snapshot.offers ?? [],
    call: snapshot.call ?? kept,
    notices: byNewest(snapshot.notices ?? []),
    lines: snapshot.lines ?? [],
  };
}

/** applyPush folds one event; an event of a kind that is not known changes nothing. */
export function applyPush(desk: Desk, frame: PushFrame): Desk {
  switch (frame.type) {
    case 'agent.updated':
      return { ...desk, agent: frame.data as AgentView };
    case 'offer.created':
      return { ...desk, offers: withOffer(desk.offers, frame.data as OfferView) };
    case 'offer.closed': {
      const closed = frame.data as { offer_id: string };
      return { ...desk, offers: desk.offers.filter((offer) => offer.offer_id !== closed.offer_id) };
    }
    case 'call.updated':
      return { ...desk, call: newerCall(desk.call, frame.data as CallView) };
    case 'notice.created': {
      const notice = frame.data as NoticeView;
      const others = desk.notices.filter((known) => known.notice_id !== notice.notice_id);
      return { ...desk, notices: byNewest([notice, ...others]) };
    }
    case 'notice.acked': {
      const acked = new Set((frame.data as { notice_ids: string[] | null }).notice_ids ?? []);
      return { ...desk, notices: desk.notices.filter((notice) => !acked.has(notice.notice_id)) };
    }
    default:
      return desk;
  }
}

function withOffer(offers: OfferView[], offer: OfferView): OfferView[] {
  const others = offers.filter((known) => known.offer_id !== offer.offer_id);
  return [...others, offer].sort((a, b) => earlier(a.created_at, b.created_at));
}

function byNewest(notices: NoticeView[]): NoticeView[] {
  return [...notices].sort((a, b) => earlier(b.at, a.at));
}

/** newerCall keeps the later version of one call; another call takes the place unless it is over and ours is not. */
export function newerCall(current: CallView | null, next: CallView): CallView {
  if (!current) return next;
  if (current.call_id === next.call_id) return next.version >= current.version ? next : current;
  return isOver(next) && !isOver(current) ? current : next;
}

/** participants of a call; the wire may say null. */
export function participantsOf(call: CallView): ParticipantView[] {
  return call.participants ?? [];
}

/** myLeg is this agent's own participant, also when the view does not name my_leg_id. */
export function myLeg(call: CallView, agentId: string | undefined): ParticipantView | undefined {
  const people = participantsOf(call);
  if (call.my_leg_id) return people.find((person) => person.leg_id === call.my_leg_id);
  return people.findLast((person) => person.kind === 'agent' && person.agent_id === agentId);
}

/** isOver says that the call has ended, or that I have left it. */
export function isOver(call: CallView): boolean {
  if (call.state === 'ended') return true;
  const mine = call.my_leg_id ? participantsOf(call).find((person) => person.leg_id === call.my_leg_id) : undefined;
  return mine?.state === 'left';
}

/** present are those who are in the call or on their way, without those who have left. */
export function present(call: CallView): ParticipantView[] {
  return participantsOf(call).filter((person) => person.state !== 'left');
}

/** otherAgents counts the colleagues who are in the call besides me. */
export function otherAgents(call: CallView): number {
  return present(call).filter(
    (person) => person.kind === 'agent' && person.state !== 'invited' && person.leg_id !== call.my_leg_id,
  ).length;
}
