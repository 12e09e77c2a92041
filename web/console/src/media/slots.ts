import type { SlotView } from '../protocol/types';

// Which receiving track carries whom, and how loud. Pure.

export const maxGain = 2;

/** clampGain keeps a volume within what the protocol allows. */
export function clampGain(gain: number): number {
  if (!Number.isFinite(gain)) return 1;
  return Math.min(maxGain, Math.max(0, gain));
}

/** gainOf is what I hear of a leg: my latest wish, else what the server remembers, else 1. */
export function gainOf(
  leg: string,
  wished: Readonly<Record<string, number>>,
  stored: Readonly<Record<string, number>> | undefined,
): number {
  return clampGain(wished[leg] ?? stored?.[leg] ?? 1);
}

/** legByMid turns the server's list into a map; free tracks are not in it. */
export function legByMid(slots: readonly SlotView[]): Map<string, string> {
  return new Map(slots.filter((slot) => slot.leg_id !== '').map((slot) => [slot.mid, slot.leg_id]));
}
