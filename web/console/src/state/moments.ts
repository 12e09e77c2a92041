import type { Time } from '../protocol/types';

// Times as the server writes them: RFC 3339 with a fraction only where there is one, so that they do not sort as text.

/** moment is a time in ms; 0 where it cannot be read. */
export function moment(at: Time): number {
  const ms = Date.parse(at);
  return Number.isNaN(ms) ? 0 : ms;
}

/** earlier orders by time, oldest first; 0 for equal times, which keep the order they had. */
export function earlier(a: Time, b: Time): number {
  return moment(a) - moment(b);
}
