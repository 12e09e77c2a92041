import { computed, effect, signal } from '@preact/signals';
import { setOutput, tryResume } from '../../../shared/audio/context';
import { type Ring, ring } from '../../../shared/audio/ringtone';
import { phone, t } from '../i18n';
import type { ContactView, OfferView } from '../protocol/types';
import { handled } from './calls';
import { ringerId, ringVolume } from './prefs';
import { clockOffset, liveCall, notices, offers, serverNow } from './store';
import { audioPossible, notifies, rings } from './tabs';

// Ringing: which offers still ring, the sound (in one tab only), the system notification (in one tab only) and the
// title (in all). The server's deadline ends all of it, whatever the timers of a background tab do.

export const notificationState = signal<NotificationPermission | 'missing'>(
  typeof Notification === 'undefined' ? 'missing' : Notification.permission,
);

const passed = signal(0); // server time up to which deadlines have passed

/** ringingOf leaves out what was answered in this browser and what is past its deadline. */
export function ringingOf(all: readonly OfferView[], answered: ReadonlySet<string>, now: number): OfferView[] {
  return all.filter((offer) => !answered.has(offer.offer_id) && Date.parse(offer.expires_at) > now);
}

export const ringing = computed(() => ringingOf(offers.value, handled.value, passed.value));

/** nameOf is how a contact is called where there is room for one line. */
export function nameOf(contact: ContactView): string {
  return contact.name || (contact.phone ? phone(contact.phone) : t('contact.unnamed'));
}

/** askNotifications must run within a user's gesture. */
export async function askNotifications(): Promise<void> {
  if (typeof Notification === 'undefined') return;
  notificationState.value = await Notification.requestPermission();
}

let context: AudioContext | null = null;

function ringContext(): AudioContext {
  context ??= new AudioContext();
  void tryResume(context);
  void setOutput(context, ringerId.peek());
  return context;
}

/** testRing plays one cycle on the chosen device; within a user's gesture. */
export async function testRing(): Promise<void> {
  const target = ringContext();
  await setOutput(target, ringerId.peek());
  ring(target, 1.6, ringVolume.peek());
}

function watchDeadlines(): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const stop = effect(() => {
    clearTimeout(timer);
    const offset = clockOffset.value;
    const now = Date.now() + offset;
    const next = Math.min(...ringing.value.map((offer) => Date.parse(offer.expires_at)));
    if (!Number.isFinite(next)) return;
    timer = setTimeout(
      () => {
        passed.value = serverNow();
      },
      Math.max(0, next - now) + 20,
    );
  });
  return () => {
    stop();
    clearTimeout(timer);
  };
}

function watchSound(): () => void {
  let current: Ring | null = null;
  let key = '';
  const quiet = () => {
    current?.stop();
    current = null;
    key = '';
  };
  const stop = effect(() => {
    const calling = ringing.value;
    const here = rings.value && audioPossible.value;
    const inCall = liveCall.value !== null;
    if (!here || calling.length === 0) return quiet();
    const wanted = `${inCall} ${calling.map((offer) => offer.offer_id).join(' ')}`;
    if (wanted === key) return;
    quiet();
    key = wanted;
    const deadline = Math.max(...calling.map((offer) => Date.parse(offer.expires_at)));
    current = ring(ringContext(), Math.max(0, deadline - serverNow()) / 1000, ringVolume.peek(), inCall);
  });
  return () => {
    stop();
    quiet();
  };
}

function watchNotifications(): () => void {
  const shown = new Map<string, Notification>();
  const stop = effect(() => {
    const calling = notifies.value && notificationState.value === 'granted' ? ringing.value : [];
    const ids = new Set(calling.map((offer) => offer.offer_id));
    for (const [id, notification] of shown) {
      if (ids.has(id)) continue;
      notification.close();
      shown.delete(id);
    }
    for (const offer of calling) {
      if (shown.has(offer.offer_id) || document.hasFocus()) continue;
      try {
        const title = t(offer.kind === 'invite' ? 'offer.title_invite' : 'offer.title', {
          name: nameOf(offer.contact),
        });
        const notification = new Notification(title, {
          body: offer.line.name,
          tag: offer.offer_id,
          requireInteraction: true,
          silent: true,
        });
        notification.onclick = () => {
          window.focus();
          notification.close();
        };
        shown.set(offer.offer_id, notification);
      } catch {
        return; // some mobile browsers allow notifications from service workers only
      }
    }
  });
  return () => {
    stop();
    for (const notification of shown.values()) notification.close();
  };
}

function watchTitle(): () => void {
  let timer: ReturnType<typeof setInterval> | undefined;
  const stop = effect(() => {
    clearInterval(timer);
    const count = notices.value.length;
    const plain = count > 0 ? t('title.count', { n: count }) : t('title');
    const first = ringing.value[0];
    if (!first) {
      document.title = plain;
      return;
    }
    const calling = t('title.ringing', { name: nameOf(first.contact) });
    let on = true;
    document.title = calling;
    timer = setInterval(() => {
      on = !on;
      document.title = on ? calling : plain;
    }, 1000);
  });
  return () => {
    stop();
    clearInterval(timer);
  };
}

/** watchRinging rings until the returned function is called. */
export function watchRinging(): () => void {
  const stops = [watchDeadlines(), watchSound(), watchNotifications(), watchTitle()];
  return () => {
    for (const stop of stops) stop();
  };
}
