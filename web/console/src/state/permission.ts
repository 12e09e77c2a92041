import { t } from '../i18n';
import type { MessageView } from '../protocol/types';
import { messageErrorText } from '../ui/words';
import { listen, request } from './store';
import { dismissToast, say, sayError } from './toasts';

// A permission request is a message: the server's answer says only that it is on its way. What became of it comes as
// message.changed, perhaps before that answer; only then is it said to be sent or not.

const outcomeWithinMs = 30_000;

export type Outcome = 'pending' | 'sent' | 'failed';

/** outcomeOf reads the state of a message that is sent. */
export function outcomeOf(message: MessageView): Outcome {
  if (message.status === 'failed') return 'failed';
  return message.status === undefined || message.status === 'pending' ? 'pending' : 'sent';
}

/** askPermission sends a request and says its outcome as a toast; it rejects where the server refuses it at once. */
export async function askPermission(contact: string, line: string, text: string): Promise<void> {
  const early = new Map<string, MessageView>();
  let take = (message: MessageView): void => {
    early.set(message.message_id, message);
  };
  const stop = listen({ message: (message) => take(message) });
  let answer: { message_id: string; via: string };
  try {
    answer = await request('permission.request', { contact_id: contact, line_id: line, text: text || undefined });
  } catch (err) {
    stop();
    throw err;
  }
  const sending = say(t('permission.sending'));
  const timer = setTimeout(stop, outcomeWithinMs); // its bubble goes on telling
  take = (message) => {
    if (message.message_id !== answer.message_id || outcomeOf(message) === 'pending') return;
    stop();
    clearTimeout(timer);
    dismissToast(sending);
    if (outcomeOf(message) === 'failed')
      sayError(t('permission.failed', { why: messageErrorText(message.error || 'unknown') }));
    else say(t(answer.via === 'template' ? 'permission.sent_template' : 'permission.sent_message'));
  };
  const known = early.get(answer.message_id);
  if (known) take(known);
}
