// The state that the simulator sends (sim/PHONE-API.md section 3), word for word. Unknown kinds and codes may come and
// are shown neutrally; a field marked optional is absent when it has no value.

export interface State {
  now: string;
  user: User;
  chats: Chat[];
  calls: Call[];
}

export interface User {
  key: string;
  wa_id?: string;
  user_id: string;
  name: string;
  username?: string;
}

/** UserEntry is one customer of the start page's list. */
export type UserEntry = Omit<User, 'username'>;

export interface Chat {
  pnid: string;
  name: string;
  display_phone_number: string;
  access: CallAccess;
  permission: Permission;
  messages: Message[];
  unread: number;
}

export interface CallAccess {
  icon: boolean;
  reason?: string;
  open: boolean;
  next_open?: string;
  timezone?: string;
}

export interface Permission {
  status: 'no_permission' | 'temporary' | 'permanent';
  expires_at?: string;
}

export type Answer = 'accept_temporary' | 'accept_permanent' | 'decline';
export type PermissionAction = 'revoke' | 'grant_temporary' | 'grant_permanent';

export interface MessageBase {
  id: string;
  at: string;
  from: 'business' | 'user' | 'system';
  status?: string;
  reply_to?: string;
}

export interface Option {
  id: string;
  title: string;
}

export interface Section {
  title?: string;
  rows: { id: string; title: string; description?: string }[];
}

export type TemplateAction =
  | { type: 'reply'; id: string; title: string }
  | { type: 'link'; title: string; url: string }
  | { type: 'call'; title: string; expires: string; expired: boolean };

export type Body =
  | { kind: 'text'; text: string }
  | { kind: 'permission_request'; text?: string; answer?: Answer; answerable: boolean }
  | { kind: 'voice_call'; text: string; button: string; expires: string; expired: boolean }
  | { kind: 'buttons'; text: string; header?: string; footer?: string; buttons: Option[]; pressed?: string }
  | {
      kind: 'list';
      text: string;
      header?: string;
      footer?: string;
      button: string;
      sections: Section[];
      pressed?: string;
    }
  | { kind: 'link'; text: string; header?: string; footer?: string; button: string; url: string }
  | {
      kind: 'template';
      name: string;
      text: string;
      header?: string;
      footer?: string;
      actions: TemplateAction[];
      pressed?: string;
      permission?: { answer?: Answer; answerable: boolean };
    }
  | { kind: 'reply'; text: string }
  | { kind: 'permission_reply'; answer: Answer }
  | { kind: 'call'; call_id: string; direction: Direction; outcome: string; duration_s?: number }
  | { kind: 'system'; code: string; expires_at?: string };

export type Kind = Body['kind'];
export type Message = MessageBase & Body;
export type MessageOf<K extends Kind> = MessageBase & Extract<Body, { kind: K }>;

export type Direction = 'incoming' | 'outgoing';
export type Phase = 'ringing' | 'connecting' | 'connected' | 'ended';

export interface Call {
  id: string;
  pnid: string;
  name: string;
  direction: Direction;
  phase: Phase;
  started_at: string;
  connected_at?: string;
  ended_at?: string;
  outcome?: string;
  error?: number;
  muted: boolean;
  audio: 'none' | 'bridged';
  business_audio: boolean;
}
