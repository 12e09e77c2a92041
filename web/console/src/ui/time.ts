import { useEffect, useState } from 'preact/hooks';
import { serverNow } from '../state/store';

/** useServerNow draws a component anew every so often with the server's clock in ms; nothing runs while not active. */
export function useServerNow(everyMs: number, active = true): number {
  const [now, setNow] = useState(serverNow);
  useEffect(() => {
    if (!active) return;
    setNow(serverNow());
    const timer = setInterval(() => setNow(serverNow()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs, active]);
  return now;
}
