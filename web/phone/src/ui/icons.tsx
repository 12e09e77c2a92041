import type { JSX } from 'preact';

// Icons of our own on a 24-unit grid. They say nothing to a screen reader: the control around them has the name.

const paths = {
  call: 'M6.5 3.5h3l1.6 4.2-2 1.5a12 12 0 0 0 5.7 5.7l1.5-2 4.2 1.6v3a2 2 0 0 1-2.2 2A16 16 0 0 1 4.5 5.7a2 2 0 0 1 2-2.2Z',
  hangup: 'M3 14.2c5-4.6 13-4.6 18 0l-1.9 3-4-1.6-.3-2.6a10 10 0 0 0-5.6 0L8.9 15.6l-4 1.6L3 14.2Z',
  back: 'M15 5l-7 7 7 7',
  send: 'M4 12h13M11 6l6 6-6 6',
  mic: 'M12 3a3 3 0 0 1 3 3v5a3 3 0 0 1-6 0V6a3 3 0 0 1 3-3ZM5.5 11a6.5 6.5 0 0 0 13 0M12 17.5V21',
  micOff:
    'M9 6a3 3 0 0 1 6 0v5M15 14a3 3 0 0 1-6-3V9M5.5 11a6.5 6.5 0 0 0 10.3 5.3M18.5 11c0 .9-.2 1.7-.5 2.5M12 17.5V21M4 3l16 18',
  keypad: 'M6 5h.01M12 5h.01M18 5h.01M6 11h.01M12 11h.01M18 11h.01M6 17h.01M12 17h.01M18 17h.01',
  chat: 'M4 5h16v11H10l-4 4v-4H4Z',
  close: 'M6 6l12 12M18 6L6 18',
  down: 'M6 9l6 6 6-6',
  link: 'M13 5h6v6M19 5l-9 9M11 6H5v13h13v-6',
  list: 'M5 7h14M5 12h14M5 17h9',
  incoming: 'M18 6L7 17M7 9v8h8',
  outgoing: 'M6 18L17 7M9 7h8v8',
  shield: 'M12 3l7 3v5c0 4.6-2.9 8-7 10-4.1-2-7-5.4-7-10V6Z',
} as const;

export type IconName = keyof typeof paths;

export function Icon({ name, size = 20 }: { name: IconName; size?: number }): JSX.Element {
  const width = name === 'keypad' ? 3 : 1.9;
  return (
    <svg
      class="icon"
      viewBox="0 0 24 24"
      width={size}
      height={size}
      fill="none"
      stroke="currentColor"
      stroke-width={width}
      stroke-linecap="round"
      stroke-linejoin="round"
      aria-hidden="true"
      focusable="false"
    >
      <path d={paths[name]} />
    </svg>
  );
}
