// A ringtone made of oscillators, so that no file is needed. All of a ring is scheduled ahead on the audio clock, up to
// its deadline: it stops in time even when the tab's timers are throttled or frozen.

export interface Ring {
  stop: () => void;
}

export interface Burst {
  at: number; // seconds from the start
  hz: number;
  seconds: number;
}

const cycleSeconds = 3;
const melody: readonly Burst[] = [
  { at: 0, hz: 660, seconds: 0.16 },
  { at: 0.18, hz: 880, seconds: 0.16 },
  { at: 0.36, hz: 990, seconds: 0.3 },
  { at: 0.9, hz: 660, seconds: 0.16 },
  { at: 1.08, hz: 880, seconds: 0.16 },
  { at: 1.26, hz: 990, seconds: 0.3 },
];

/** plan lists the bursts of a ring of the given length; nothing sounds after its end. */
export function plan(seconds: number, discreet = false): Burst[] {
  const out: Burst[] = [];
  const cycle = discreet ? cycleSeconds * 2 : cycleSeconds;
  const notes = discreet ? melody.slice(2, 3) : melody;
  for (let start = 0; start < seconds; start += cycle) {
    for (const note of notes) {
      const at = start + note.at;
      if (at >= seconds) break;
      out.push({ at, hz: note.hz, seconds: Math.min(note.seconds, seconds - at) });
    }
  }
  return out;
}

/** ring plays for the given seconds (at most 120) at a volume of 0 to 1. Whoever called it owns the Ring and stops it. */
export function ring(context: AudioContext, seconds: number, volume: number, discreet = false): Ring {
  const master = context.createGain();
  master.gain.value = volume * (discreet ? 0.25 : 0.6);
  master.connect(context.destination);
  const zero = context.currentTime + 0.02;
  const playing: OscillatorNode[] = [];
  for (const burst of plan(Math.min(seconds, 120), discreet)) {
    const oscillator = context.createOscillator();
    const envelope = context.createGain();
    const start = zero + burst.at;
    const end = start + burst.seconds;
    oscillator.type = 'triangle';
    oscillator.frequency.value = burst.hz;
    envelope.gain.setValueAtTime(0, start);
    envelope.gain.linearRampToValueAtTime(1, start + 0.02);
    envelope.gain.setValueAtTime(1, Math.max(start + 0.02, end - 0.08));
    envelope.gain.linearRampToValueAtTime(0, end);
    oscillator.connect(envelope).connect(master);
    oscillator.start(start);
    oscillator.stop(end);
    playing.push(oscillator);
  }
  let stopped = false;
  return {
    stop() {
      if (stopped) return;
      stopped = true;
      for (const oscillator of playing) oscillator.disconnect();
      master.disconnect();
    },
  };
}
