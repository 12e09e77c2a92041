import type { Call } from '../protocol/types';

// Pure decisions about calls: which one the screen shows, what sounds, whether this page should be its audio.

/** endedShownMs is how long the screen of a call stays after its end. */
export const endedShownMs = 6_000;

export interface Seen {
  live: ReadonlySet<string>; // calls this page saw alive
  dismissed: ReadonlySet<string>; // ended calls whose screen was closed or is over
}

export function isLive(call: Call): boolean {
  return call.phase !== 'ended';
}

/** shownCall is the call whose screen is up: a live one, connected before ringing, else one that has just ended here. */
export function shownCall(calls: readonly Call[], seen: Seen): Call | undefined {
  const live = calls.filter(isLive);
  const talking = live.find((call) => call.phase !== 'ringing');
  return talking ?? live[0] ?? calls.find((call) => seen.live.has(call.id) && !seen.dismissed.has(call.id));
}

export type Sound = 'none' | 'ringtone' | 'ringback';

/** soundOf names what the phone plays: never two sounds, and a waiting call does not ring over a talk. */
export function soundOf(calls: readonly Call[]): Sound {
  const live = calls.filter(isLive);
  if (live.some((call) => call.phase === 'connected')) return 'none';
  const ringing = live.find((call) => call.phase === 'ringing');
  if (!ringing) return 'none';
  return ringing.direction === 'incoming' ? 'ringtone' : 'ringback';
}

/** liveAudio is what this page's audio should be attached to: the call it took, as long as it lives. */
export function liveAudio(calls: readonly Call[], own: string): string {
  return own !== '' && calls.some((call) => call.id === own && isLive(call)) ? own : '';
}

/** endedKey is the message that says how a call ended, seen from the customer. */
export function endedKey(call: Pick<Call, 'direction' | 'outcome'>): string {
  return `${call.direction}.${call.outcome ?? 'completed'}`;
}

/** isMissed says whether a line of the chat is a call that the customer did not get. */
export function isMissed(direction: string, outcome: string): boolean {
  return direction === 'incoming' && (outcome === 'no_answer' || outcome === 'cancelled');
}
