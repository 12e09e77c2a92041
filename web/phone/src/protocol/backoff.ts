// How long to wait before connecting again.

export const firstMs = 250;
export const longestMs = 8_000;

/** backoff doubles with every failure up to a bound; chance (0 to 1) spreads it over its upper half. */
export function backoff(failures: number, chance: number): number {
  const ceiling = Math.min(longestMs, firstMs * 2 ** Math.min(Math.max(0, failures - 1), 10));
  return Math.round(ceiling / 2 + (ceiling / 2) * chance);
}
