import { clampGain } from '../media/slots';
import type { CallView } from '../protocol/types';
import { wishedGains } from './audio';
import { liveCall, request } from './store';

// What I hear of each other: heard here at once, remembered by the server after a short pause. A wish is forgotten when
// the server's view confirms it, so that a change in another tab of mine is followed here.

const gainTimers = new Map<string, ReturnType<typeof setTimeout>>();
const gainPending = new Set<string>();
const gainBeforeSilence = new Map<string, number>();

/** setVolume changes what I hear of a leg: here at once, at the server after a short pause. */
export function setVolume(leg: string, gain: number): void {
  const call = liveCall.peek();
  if (!call) return;
  const value = clampGain(gain);
  wishedGains.value = { ...wishedGains.peek(), [leg]: value };
  gainPending.add(leg);
  clearTimeout(gainTimers.get(leg));
  gainTimers.set(
    leg,
    setTimeout(() => {
      gainTimers.delete(leg);
      request('call.volume', { call_id: call.call_id, leg_id: leg, gain: value })
        .catch(() => undefined) // heard here already; the server forgets it at a reload, no more
        .finally(() => {
          if (!gainTimers.has(leg)) gainPending.delete(leg);
        });
    }, 120),
  );
}

/** toggleSilence mutes a leg for me, and gives it back the volume it had. */
export function toggleSilence(leg: string, gain: number): void {
  if (gain > 0) gainBeforeSilence.set(leg, gain);
  setVolume(leg, gain > 0 ? 0 : (gainBeforeSilence.get(leg) ?? 1));
}

/** confirmVolumes forgets the wishes that the server's view holds and that are not on their way any more. */
export function confirmVolumes(call: CallView): void {
  const wished = { ...wishedGains.peek() };
  for (const leg of Object.keys(wished)) {
    if (!gainPending.has(leg) && call.gains?.[leg] !== undefined) delete wished[leg];
  }
  wishedGains.value = wished;
}
