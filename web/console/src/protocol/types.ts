// The views and messages of docs/agent-protocol.md. Enumerations are open: a client must survive words it does not know,
// so they are plain strings here and the catalogues have a fallback for each family.

export type Time = string; // RFC 3339, UTC

export interface PersonView {
  id: string;
  name: string;
  presence?: string; // offline available busy wrap_up break not_responding
}

export interface AgentView {
  id: string;
  name: string;
  role: string; // agent supervisor admin
  presence: string;
  break_code?: string;
  since: Time;
  call_id?: string;
}

export interface LineView {
  id: string;
  name: string;
  display_number: string;
  calling: boolean;
}

export interface ContactView {
  id: string;
  version: number;
  name: string;
  phone?: string;
  status?: string;
  tags?: string[];
  order_no?: string;
  quote_cents?: number;
  assigned_agent?: string;
  assigned_name?: string;
  ongoing_call?: string;
  last_activity_at: Time;
}

export interface Reason {
  code: string;
  next_allowed_at?: Time;
}

export interface LimitView {
  name: string; // calls_connected meta_calls_connected permission_requests_day permission_requests_week
  period: string;
  max: number;
  used: number;
}

export interface EligibilityView {
  contact_id: string;
  line_id: string;
  permission: string; // none requested granted_temporary granted_permanent declined expired revoked
  permission_source?: string;
  permission_until?: Time;
  can_call: boolean;
  can_request: boolean;
  call_reasons?: Reason[];
  request_reasons?: Reason[];
  limits: LimitView[] | null;
  unanswered_streak: number;
  window_until?: Time;
}

export interface ParticipantView {
  leg_id: string;
  kind: string; // contact agent
  agent_id?: string;
  name: string;
  state: string; // invited connecting connected reconnecting left
  muted: boolean;
  joined_at?: Time;
  left_at?: Time;
}

export interface CallView {
  call_id: string;
  version: number;
  direction: string; // inbound outbound
  state: string; // dialing ringing offering connecting active ended
  contact: ContactView;
  line: LineView;
  participants: ParticipantView[] | null;
  my_leg_id?: string;
  gains?: Record<string, number>;
  created_at: Time;
  ring_deadline?: Time;
  answered_at?: Time;
  ended_at?: Time;
  talk_ms: number;
  ended_by?: string;
  end_reason?: string;
  end_detail?: string;
  unsaved?: boolean;
}

export interface CallEventView {
  seq: number;
  type: string;
  at: Time;
  data: unknown;
}

export interface CallTrace extends CallView {
  events: CallEventView[] | null;
}

export interface OfferView {
  offer_id: string;
  call_id: string;
  kind: string; // inbound invite
  reason: string; // order_owner assigned recent_call recent_conversation anyone invited
  reason_info?: string;
  reason_at?: Time;
  invited_by?: PersonView;
  note?: string;
  contact: ContactView;
  line: LineView;
  created_at: Time;
  expires_at: Time;
}

export interface NoticeView {
  notice_id: string;
  kind: string;
  contact_id?: string;
  contact_name?: string;
  line_id?: string;
  call_id?: string;
  agent_id?: string;
  agent_name?: string;
  until?: Time;
  permanent?: boolean;
  detail?: string;
  at: Time;
}

export interface MessageView {
  message_id: string;
  contact_id: string;
  line_id: string;
  direction: string; // in out system
  kind: string; // text permission_request permission_reply call_button call voice unsupported
  text?: string;
  data?: Record<string, unknown>;
  status?: string; // pending sent delivered read failed
  error?: string;
  agent_id?: string;
  agent_name?: string;
  at: Time;
}

export interface SlotView {
  mid: string;
  leg_id: string; // empty: the track is free
}

export interface Snapshot {
  seq: number;
  agent: AgentView;
  offers: OfferView[] | null;
  call?: CallView;
  notices: NoticeView[] | null;
  lines: LineView[] | null;
}

export interface Colleague extends PersonView {
  involved?: string;
  involved_at?: Time;
  in_call?: boolean;
}

export interface WeeklyHours {
  day: string; // MONDAY to SUNDAY
  open: string; // HHMM
  close: string; // HHMM
}

export interface Holiday {
  date: string; // YYYY-MM-DD
  open?: string;
  close?: string;
}

export interface LineHours {
  timezone: string;
  weekly: WeeklyHours[] | null;
  holidays?: Holiday[] | null;
}

export interface LineSettings {
  calling: boolean;
  icon_visible: boolean;
  callback_permission: boolean;
  hours?: LineHours | null;
  pending?: boolean;
  sync_error?: string;
}

export interface Page<T> {
  items: T[] | null;
  next_cursor?: string;
}

export interface MediaAnswer {
  call_id: string;
  leg_id: string;
  sdp: string;
  slots: SlotView[] | null;
}

export interface Requested {
  message_id: string;
  via: string; // interactive template
}

export interface Invited {
  offer_id: string;
  leg_id: string;
}

/** What each request carries and what its reply holds. */
export interface Requests {
  'agent.set_presence': [{ presence: string; break_code?: string }, unknown];
  'call.dial': [{ contact_id: string; line_id: string; sdp: string }, MediaAnswer];
  'offer.accept': [{ offer_id: string; call_id: string; sdp: string }, MediaAnswer];
  'offer.decline': [{ offer_id: string; call_id: string }, unknown];
  'call.attach': [{ call_id: string; sdp: string }, MediaAnswer];
  'call.invite': [{ call_id: string; agent_id: string; note?: string }, Invited];
  'call.cancel_invite': [{ call_id: string; agent_id: string }, unknown];
  'call.leave': [{ call_id: string }, unknown];
  'call.end': [{ call_id: string }, unknown];
  'call.mute': [{ call_id: string; muted: boolean }, unknown];
  'call.volume': [{ call_id: string; leg_id: string; gain: number }, unknown];
  'permission.request': [{ contact_id: string; line_id: string; text?: string }, Requested];
  'message.send': [{ contact_id: string; line_id: string; text: string }, Requested];
  'message.call_button': [{ contact_id: string; line_id: string; text?: string }, Requested];
  'notice.ack': [{ notice_ids: string[] }, unknown];
}

/** An event with seq, or a hint (seq absent or 0). */
export interface PushFrame {
  seq?: number;
  type: string;
  at?: Time;
  data: unknown;
}

export interface ErrorBody {
  kind?: string;
  code?: string;
  detail?: string;
  next_allowed_at?: Time;
}

export interface ReplyFrame {
  re: string;
  ok: boolean;
  data?: unknown;
  error?: ErrorBody;
}
