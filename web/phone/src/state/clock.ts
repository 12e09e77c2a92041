import { signal } from '@preact/signals';

// The simulator's clock as seen from here. It may be ahead of the browser's: whatever counts down or expires uses it.

let offsetMs = 0;

/** tick changes once a second; what reads it draws itself anew. */
export const tick = signal(0);

/** setClock takes the simulator's time of a state that has just come. */
export function setClock(now: string): void {
  const at = Date.parse(now);
  if (Number.isNaN(at)) return;
  offsetMs = at - Date.now();
  tick.value += 1;
}

/** now is the simulator's time in ms; reading it while drawing subscribes to the seconds. */
export function now(): number {
  void tick.value;
  return Date.now() + offsetMs;
}

/** startClock ticks until the returned function is called. */
export function startClock(): () => void {
  const timer = setInterval(() => {
    tick.value += 1;
  }, 1000);
  return () => clearInterval(timer);
}
