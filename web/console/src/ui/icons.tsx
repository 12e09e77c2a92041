import type { JSX } from 'preact';

// Line icons on a 24 x 24 grid. They are decoration: the text beside them, or the control's label, says what they mean.

const paths = {
  phone:
    'M5 4h3.5l1.7 4.2-2.1 1.5a12 12 0 0 0 6.2 6.2l1.5-2.1L20 15.5V19a1.6 1.6 0 0 1-1.7 1.6A15.7 15.7 0 0 1 3.4 5.7 1.6 1.6 0 0 1 5 4Z',
  hangup:
    'M3.2 14.6c-.6-.6-.7-1.5-.1-2.2a12.4 12.4 0 0 1 17.8 0c.6.7.5 1.6-.1 2.2l-1.5 1.5c-.5.5-1.3.5-1.9.1l-2-1.5a1.5 1.5 0 0 1-.6-1.2v-1.6a10 10 0 0 0-5.6 0v1.6c0 .5-.2.9-.6 1.2l-2 1.5c-.6.4-1.4.4-1.9-.1Z',
  microphone:
    'M12 3.5a2.8 2.8 0 0 1 2.8 2.8v5a2.8 2.8 0 0 1-5.6 0v-5A2.8 2.8 0 0 1 12 3.5ZM6 11.2a6 6 0 0 0 12 0M12 17.2v3.3',
  microphoneOff:
    'M9.2 9.2v2.1a2.8 2.8 0 0 0 4.3 2.3M14.8 10.6V6.3a2.8 2.8 0 0 0-5.2-1.4M6 11.2a6 6 0 0 0 9.2 5M18 11.2c0 .9-.2 1.7-.5 2.5M12 17.2v3.3M4 4l16 16',
  speaker: 'M4.5 9.7h3L12 5.8v12.4l-4.5-3.9h-3ZM15.5 9a4.2 4.2 0 0 1 0 6M18 6.5a8 8 0 0 1 0 11',
  speakerOff: 'M4.5 9.7h3L12 5.8v12.4l-4.5-3.9h-3ZM16 9.7l4.6 4.6M20.6 9.7 16 14.3',
  bell: 'M6.5 16.5V11a5.5 5.5 0 0 1 11 0v5.5l1.5 1.6H5ZM10 20.3a2.2 2.2 0 0 0 4 0',
  people:
    'M9 11.5a3.2 3.2 0 1 0 0-6.4 3.2 3.2 0 0 0 0 6.4ZM3.2 19a5.8 5.8 0 0 1 11.6 0M15.5 5.5a3 3 0 0 1 0 5.8M17.5 14a5.3 5.3 0 0 1 3.3 5',
  history: 'M4.2 12a7.8 7.8 0 1 0 2.4-5.6L4.2 8.6M4.2 4.5v4.1h4.1M12 8v4.4l2.8 1.7',
  settings: 'M4 7h9M17 7h3M4 17h3M11 17h9M4 12h2M10 12h10M15 5v4M9 15v4M8 10v4',
  search: 'M10.8 17a6.2 6.2 0 1 0 0-12.4 6.2 6.2 0 0 0 0 12.4ZM15.4 15.4 20 20',
  close: 'M6 6l12 12M18 6 6 18',
  back: 'M14.5 5.5 8 12l6.5 6.5',
  down: 'M6 9.5l6 6 6-6',
  up: 'M6 14.5l6-6 6 6',
  send: 'M4.5 12 19.5 5 14 19.5l-2.8-6ZM11.2 13.5l3.5-3.5',
  inbound: 'M18.5 5.5 7 17M7 8.5V17h8.5',
  outbound: 'M5.5 18.5 17 7M8.5 7H17v8.5',
  addPerson: 'M10 11.5a3.3 3.3 0 1 0 0-6.6 3.3 3.3 0 0 0 0 6.6ZM3.8 19.2a6.2 6.2 0 0 1 12.4 0M18.5 8.5v5M16 11h5',
  leave: 'M10 4.5H5.5v15H10M9.5 12h10.2M16 8l4 4-4 4',
  key: 'M8 15.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7ZM11.5 12H20v3M17 12v2.5',
  check: 'M5 12.5l4.5 4.5L19 7.5',
  shield: 'M12 3.8l6.8 2.5v5.2c0 4.2-2.8 7.2-6.8 8.7-4-1.5-6.8-4.5-6.8-8.7V6.3ZM9 12l2.2 2.2 4-4',
  alert: 'M12 4.5 20.5 19h-17ZM12 10v4M12 16.5v.2',
  clock: 'M12 20a8 8 0 1 0 0-16 8 8 0 0 0 0 16ZM12 7.5V12l3 2',
} as const;

export type IconName = keyof typeof paths;

export function Icon({ name, size = 18 }: { name: IconName; size?: number }): JSX.Element {
  return (
    <svg width={size} height={size} viewBox="0 0 24 24" aria-hidden="true" class="icon">
      <path
        d={paths[name]}
        fill="none"
        stroke="currentColor"
        stroke-width="1.8"
        stroke-linecap="round"
        stroke-linejoin="round"
      />
    </svg>
  );
}
