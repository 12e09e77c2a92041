import type { EligibilityView, LimitView } from '../protocol/types';

// What the answer to "may we call this contact" means for the buttons. Pure; the words are chosen by the screen.

/** callsLeft is how many connected calls remain, by the strictest limit; null where the server names none. */
export function callsLeft(view: EligibilityView): { left: number; max: number } | null {
  let tightest: LimitView | null = null;
  for (const limit of view.limits ?? []) {
    if (limit.name !== 'calls_connected' && limit.name !== 'meta_calls_connected') continue;
    if (!tightest || limit.max - limit.used < tightest.max - tightest.used) tightest = limit;
  }
  return tightest && { left: Math.max(0, tightest.max - tightest.used), max: tightest.max };
}

export function windowOpen(view: EligibilityView, now: number): boolean {
  return view.window_until !== undefined && Date.parse(view.window_until) > now;
}

/** nextChange is the earliest time at which the answer will be another one by itself; null if none is known. */
export function nextChange(view: EligibilityView, now: number): number | null {
  const times = [view.permission_until, view.window_until];
  for (const reason of [...(view.call_reasons ?? []), ...(view.request_reasons ?? [])])
    times.push(reason.next_allowed_at);
  let next: number | null = null;
  for (const text of times) {
    const at = text ? Date.parse(text) : Number.NaN;
    if (at > now && (next === null || at < next)) next = at;
  }
  return next;
}
