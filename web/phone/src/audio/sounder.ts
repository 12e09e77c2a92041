import { signal } from '@preact/signals';
import { tryResume } from '../../../shared/audio/context';
import { type Ring, ring } from '../../../shared/audio/ringtone';
import type { Sound } from '../state/calls';
import { busy, digit, play, ringback, type Tone } from './tones';

// The sounds the phone makes by itself. One AudioContext, made on first use and owned here.

const longestSeconds = 60; // longer than any call rings: a page that lost its line falls silent

export type Sounder = ReturnType<typeof createSounder>;

/** createSounder plays what set() asks for; `blocked` is true while the browser forbids it for want of a gesture. */
export function createSounder() {
  const blocked = signal(false);
  let context: AudioContext | undefined;
  let wanted: Sound = 'none';
  let playing: Ring | undefined;

  const open = () => {
    context ??= new AudioContext();
    return context;
  };

  const start = async () => {
    const target = wanted;
    const audio = open();
    const runs = await tryResume(audio);
    if (wanted !== target || playing) return;
    blocked.value = !runs;
    if (!runs) return;
    playing = target === 'ringtone' ? ring(audio, longestSeconds, 0.6) : play(audio, ringback(longestSeconds), 0.12);
  };

  const once = async (tones: readonly Tone[], volume: number) => {
    const audio = open();
    if (tones.length > 0 && (await tryResume(audio))) play(audio, tones, volume);
  };

  return {
    blocked,
    set(sound: Sound) {
      if (sound === wanted) return;
      wanted = sound;
      playing?.stop();
      playing = undefined;
      blocked.value = false;
      if (sound !== 'none') void start();
    },
    /** unlock is called inside a gesture of the user: from then on the browser lets sounds out. */
    async unlock() {
      if (wanted !== 'none' && !playing) await start();
      else if (context) await tryResume(context);
    },
    ended: () => void once(busy(), 0.12),
    key: (pressed: string) => void once(digit(pressed), 0.1),
    close() {
      wanted = 'none';
      playing?.stop();
      void context?.close();
    },
  };
}
