import { effect, type Signal, signal } from '@preact/signals';

// What this browser remembers for its user: nothing of it goes to the server. Kept in local storage, shared by tabs.

/** stored is a signal kept in local storage; a value that cannot be read is the default. */
function stored<T extends string | number>(key: string, initial: T): Signal<T> {
  const name = `ramal.${key}`;
  let value = initial;
  try {
    const text = localStorage.getItem(name);
    if (text !== null) value = (typeof initial === 'number' ? Number(text) : text) as T;
    if (typeof value === 'number' && !Number.isFinite(value)) value = initial;
  } catch {
    // storage switched off: the default serves
  }
  const box = signal<T>(value);
  let first = true;
  effect(() => {
    const text = String(box.value);
    if (first) {
      first = false;
      return;
    }
    try {
      localStorage.setItem(name, text);
    } catch {
      // remembered for this page only
    }
  });
  return box;
}

export const language = stored<string>('lang', '');
export const theme = stored<string>('theme', 'system'); // system light dark
export const microphoneId = stored<string>('microphone', ''); // "" is the system's default
export const speakerId = stored<string>('speaker', '');
export const ringerId = stored<string>('ringer', '');
export const ringVolume = stored<number>('ring_volume', 0.8); // 0 to 1
export const notificationsPutOff = stored<string>('notifications_put_off', ''); // "yes": the strip was dismissed
export const lineId = stored<string>('line', '');

effect(() => {
  const chosen = theme.value;
  if (chosen === 'light' || chosen === 'dark') document.documentElement.dataset['theme'] = chosen;
  else delete document.documentElement.dataset['theme'];
});
