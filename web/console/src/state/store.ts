import { batch, computed, signal } from '@preact/signals';
import { locale } from '../i18n';
import { Failure } from '../protocol/failure';
import { initialLink, type Link } from '../protocol/link';
import { Rest } from '../protocol/rest';
import { AgentSocket } from '../protocol/socket';
import type { CallView, ContactView, MessageView, PersonView, PushFrame, Requests, Snapshot } from '../protocol/types';
import { applyPush, type Desk, emptyDesk, isOver, resetDesk } from './desk';
import { refuseToken, token } from './token';

// The one owner of the connection and of what the server said. Screens read the signals; only this module writes them.

export const link = signal<Link>(initialLink);
export const desk = signal<Desk>(emptyDesk);
export const clockOffset = signal(0); // ms, the server's clock minus ours
export const people = signal<ReadonlyMap<string, PersonView>>(new Map());

export const agent = computed(() => desk.value.agent);
export const agentId = computed(() => desk.value.agent?.id ?? '');
export const offers = computed(() => desk.value.offers);
export const notices = computed(() => desk.value.notices);
export const lines = computed(() => desk.value.lines);
export const online = computed(() => link.value.phase === 'open');

/** liveCall is the agent's call while it goes on; endedCall the one whose end is still shown. */
export const liveCall = computed(() => (desk.value.call && !isOver(desk.value.call) ? desk.value.call : null));
export const endedCall = computed(() => (desk.value.call && isOver(desk.value.call) ? desk.value.call : null));

/** serverNow is the server's clock in ms, as well as we know it. */
export function serverNow(): number {
  return Date.now() + clockOffset.peek();
}

/** Hints for lists and cards, and the moments when everything must be read again. */
export interface Listener {
  contact?: (contact: ContactView) => void;
  message?: (message: MessageView) => void;
  call?: (call: CallView) => void;
  event?: (frame: PushFrame) => void;
  reset?: (snapshot: Snapshot, before: Desk) => void;
}

const listeners = new Set<Listener>();

/** listen registers a listener until the returned function is called. */
export function listen(listener: Listener): () => void {
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
  };
}

function tell(run: (listener: Listener) => void): void {
  for (const listener of [...listeners]) run(listener);
}

export const rest = new Rest(() => token.peek(), refused);

let socket: AgentSocket | null = null;

/** connect opens the agent's session; disconnect() ends it. */
export function connect(): void {
  if (socket) return;
  socket = new AgentSocket({
    url: `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/v1/agent/ws`,
    token: () => token.peek(),
    lang: () => locale.peek(),
    onLink: (next) => {
      link.value = next;
      if (next.phase === 'refused') refused();
    },
    onReset: reset,
    onEvent: (frame) => {
      batch(() => {
        desk.value = applyPush(desk.peek(), frame);
        tell((listener) => listener.event?.(frame));
      });
    },
    onHint: hint,
    onOffset: (offset) => {
      if (Math.abs(offset - clockOffset.peek()) > 100 || clockOffset.peek() === 0) clockOffset.value = offset;
    },
  });
  socket.start();
  window.addEventListener('online', retryNow);
}

export function disconnect(): void {
  window.removeEventListener('online', retryNow);
  socket?.stop();
  socket = null;
  batch(() => {
    desk.value = emptyDesk;
    people.value = new Map();
  });
}

export function retryNow(): void {
  socket?.retryNow();
}

function refused(): void {
  disconnect();
  refuseToken();
}

function reset(snapshot: Snapshot): void {
  const before = desk.peek();
  batch(() => {
    desk.value = resetDesk(before, snapshot);
    tell((listener) => listener.reset?.(snapshot, before));
  });
  void loadPeople();
}

async function loadPeople(): Promise<void> {
  try {
    const page = await rest.agents();
    people.value = new Map((page.items ?? []).map((person) => [person.id, person]));
  } catch {
    // presence comes again with the next hint or snapshot; lists that need it say their own errors
  }
}

function hint(frame: PushFrame): void {
  batch(() => {
    switch (frame.type) {
      case 'contact.changed':
        return tell((listener) => listener.contact?.(frame.data as ContactView));
      case 'message.changed':
        return tell((listener) => listener.message?.(frame.data as MessageView));
      case 'call.changed':
        return tell((listener) => listener.call?.(frame.data as CallView));
      case 'presence.changed': {
        const person = frame.data as PersonView;
        people.value = new Map(people.peek()).set(person.id, person);
      }
    }
  });
}

export function request<T extends keyof Requests>(type: T, data: Requests[T][0]): Promise<Requests[T][1]> {
  if (!socket) return Promise.reject(new Failure({ kind: 'unavailable', code: 'offline' }));
  return socket.request(type, data);
}

/** dismissCall takes the card of an ended call away. */
export function dismissCall(callId: string): void {
  const current = desk.peek();
  if (current.call?.call_id === callId && isOver(current.call)) desk.value = { ...current, call: null };
}

/** showEnded puts the end of a call on the desk that happened while the connection was down. */
export function showEnded(call: CallView): void {
  const current = desk.peek();
  if (!current.call) desk.value = { ...current, call };
}
