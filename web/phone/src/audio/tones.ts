import type { Ring } from '../../../shared/audio/ringtone';

// The tones of a telephone line, as lists of bursts that are played ahead on the audio clock. The incoming ringtone is
// shared with the console; these are the sounds that only a customer's phone makes.

export interface Tone {
  at: number; // seconds from the start
  hz: readonly number[]; // sounding together
  seconds: number;
}

// Brazil's line tones are one frequency (ITU-T E.180 supplement 2, various tones used in national networks).
const lineHz = 425;

/** ringback is what a caller hears while the other side rings: one second on, four off. */
export function ringback(seconds: number): Tone[] {
  return every(5, seconds, { hz: [lineHz], seconds: 1 });
}

/** busy is the short signal after a call that was not answered. */
export function busy(): Tone[] {
  return every(0.5, 1.5, { hz: [lineHz], seconds: 0.25 });
}

function every(cycle: number, length: number, tone: Omit<Tone, 'at'>): Tone[] {
  const out: Tone[] = [];
  for (let at = 0; at < length; at += cycle)
    out.push({ at, hz: tone.hz, seconds: Math.min(tone.seconds, length - at) });
  return out;
}

export const keypad = ['1', '2', '3', '4', '5', '6', '7', '8', '9', '*', '0', '#'] as const;

const rowHz = [697, 770, 852, 941];
const columnHz = [1209, 1336, 1477];

/** digit is the pair of tones of a key (ITU-T Q.23); nothing for what is not on the pad. */
export function digit(key: string): Tone[] {
  const place = (keypad as readonly string[]).indexOf(key);
  const row = rowHz[Math.floor(place / 3)];
  const column = columnHz[place % 3];
  return place < 0 || !row || !column ? [] : [{ at: 0, hz: [row, column], seconds: 0.14 }];
}

/** play sounds the tones at a volume of 0 to 1. Whoever called it owns the Ring and stops it. */
export function play(context: AudioContext, tones: readonly Tone[], volume: number): Ring {
  const master = context.createGain();
  master.gain.value = volume;
  master.connect(context.destination);
  const zero = context.currentTime + 0.02;
  for (const tone of tones) {
    const envelope = context.createGain();
    const start = zero + tone.at;
    const end = start + tone.seconds;
    envelope.gain.setValueAtTime(0, start);
    envelope.gain.linearRampToValueAtTime(1 / tone.hz.length, start + 0.02);
    envelope.gain.setValueAtTime(1 / tone.hz.length, Math.max(start + 0.02, end - 0.03));
    envelope.gain.linearRampToValueAtTime(0, end);
    envelope.connect(master);
    for (const hz of tone.hz) {
      const oscillator = context.createOscillator();
      oscillator.frequency.value = hz;
      oscillator.connect(envelope);
      oscillator.start(start);
      oscillator.stop(end);
    }
  }
  let stopped = false;
  return {
    stop() {
      if (stopped) return;
      stopped = true;
      master.disconnect();
    },
  };
}
