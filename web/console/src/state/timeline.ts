import type { CallView, MessageView } from '../protocol/types';
import { earlier, moment } from './moments';

// The timeline of a conversation: messages and calls in one order, oldest first. Pure.

export type Entry = { at: string; key: string } & (
  | { kind: 'message'; message: MessageView }
  | { kind: 'call'; call: CallView }
  | { kind: 'day' }
);

/** upsertMessage puts a new or changed message in its place, newest first, as the server's pages are. */
export function upsertMessage(messages: MessageView[], message: MessageView): MessageView[] {
  const place = messages.findIndex((known) => known.message_id === message.message_id);
  if (place !== -1 && messages[place]?.at === message.at) return messages.with(place, message);
  const others = messages.filter((known) => known.message_id !== message.message_id);
  const index = others.findIndex((known) => moment(known.at) <= moment(message.at));
  if (index === -1) return [...others, message];
  return [...others.slice(0, index), message, ...others.slice(index)];
}

export function upsertCall(calls: CallView[], call: CallView): CallView[] {
  const index = calls.findIndex((known) => known.call_id === call.call_id);
  const known = calls[index];
  if (known) {
    if (call.version < known.version) return calls;
    const next = [...calls];
    next[index] = call;
    return next;
  }
  return [...calls, call].sort((a, b) => earlier(b.created_at, a.created_at));
}

/** callOf returns the call that a message of kind "call" speaks of. */
export function callOf(message: MessageView): string {
  const id = message.data?.['call_id'];
  return typeof id === 'string' ? id : '';
}

function dayOf(at: string): string {
  const date = new Date(at);
  return `${date.getFullYear()}-${date.getMonth() + 1}-${date.getDate()}`;
}

/**
 * timeline merges both, oldest first, with a marker at each new day. A call is drawn from its own record; the message
 * that also speaks of it is left out. While older messages are not read yet, neither are calls older than them shown.
 */
export function timeline(messages: MessageView[], calls: CallView[], complete: boolean): Entry[] {
  const known = new Set(calls.map((call) => call.call_id));
  const oldest = moment(messages.at(-1)?.at ?? '');
  const entries: Entry[] = [];
  for (const message of messages.toReversed()) {
    if (message.kind === 'call' && known.has(callOf(message))) continue;
    entries.push({ kind: 'message', at: message.at, key: message.message_id, message });
  }
  for (const call of calls.toReversed()) {
    if (!complete && moment(call.created_at) < oldest) continue;
    entries.push({ kind: 'call', at: call.created_at, key: call.call_id, call });
  }
  entries.sort((a, b) => earlier(a.at, b.at));
  const out: Entry[] = [];
  let last = '';
  for (const entry of entries) {
    const day = dayOf(entry.at);
    if (day !== last) out.push({ kind: 'day', at: entry.at, key: `day-${day}` });
    last = day;
    out.push(entry);
  }
  return out;
}
