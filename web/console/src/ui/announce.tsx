import { signal } from '@preact/signals';
import type { JSX } from 'preact';

// What a screen reader is told although nothing has the focus. One region for all screens; it is always in the page.

const polite = signal('');
let turn = false;

/** announce says a sentence; the same sentence twice is said twice. */
export function announce(text: string): void {
  turn = !turn;
  polite.value = turn ? text : `${text}\u00a0`;
}

export function Announcer(): JSX.Element {
  return (
    <div class="sr-only" aria-live="polite" data-testid="announcer">
      {polite.value}
    </div>
  );
}
