import { dayNumber } from '../../../shared/i18n/format';
import type { Message } from '../protocol/types';

// The chat as a list of what is drawn: messages with a line before the first one of each day.

export type Entry =
  | { type: 'day'; key: string; at: Date }
  | { type: 'message'; key: string; message: Message; quoted?: Message };

/** timeline keeps the order of the server and resolves what each message answers. */
export function timeline(messages: readonly Message[]): Entry[] {
  const byId = new Map(messages.map((message) => [message.id, message]));
  const out: Entry[] = [];
  let day = Number.NaN;
  for (const message of messages) {
    const at = new Date(message.at);
    const number = dayNumber(at);
    if (number !== day && !Number.isNaN(number)) {
      day = number;
      out.push({ type: 'day', key: `day-${number}-${message.id}`, at });
    }
    const quoted = message.reply_to ? byId.get(message.reply_to) : undefined;
    out.push({ type: 'message', key: message.id, message, quoted });
  }
  return out;
}

/** textOf is the written part of a message, for quotes and for the list of chats; "" when it has none. */
export function textOf(message: Message): string {
  return 'text' in message ? (message.text ?? '') : '';
}
