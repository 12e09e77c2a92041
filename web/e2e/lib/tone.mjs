// Voices that a machine can tell apart: each participant's microphone is a file with a tone of its own. The tone comes in
// bursts, as speech does: a steady one would be taken for noise and removed by the browser's noise suppression.
import { writeFileSync } from 'node:fs';

const rate = 48_000;
const burst = 0.4; // seconds
const pause = 0.2;

/** Tones in Hz, far from each other, from their harmonics and from the notes of the ringtones. */
export const tones = { luis: 450, fernando: 620, beatriz: 1130, customer: 810, second: 1480 };

/** writeTone writes a WAV file, 48 kHz, mono, 16 bit, to be played in a loop. */
export function writeTone(path, hz, seconds = 6) {
  const length = Math.round(seconds / (burst + pause)) * (burst + pause) * rate;
  const samples = new Int16Array(Math.round(length));
  for (let n = 0; n < samples.length; n++) {
    const at = (n / rate) % (burst + pause);
    const edge = Math.min(1, at / 0.02, Math.max(0, burst - at) / 0.02);
    samples[n] = Math.round(0.45 * 32767 * edge * Math.sin((2 * Math.PI * hz * n) / rate));
  }
  const head = Buffer.alloc(44);
  head.write('RIFF', 0);
  head.writeUInt32LE(36 + samples.byteLength, 4);
  head.write('WAVEfmt ', 8);
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(1, 22);
  head.writeUInt32LE(rate, 24);
  head.writeUInt32LE(rate * 2, 28);
  head.writeUInt16LE(2, 32);
  head.writeUInt16LE(16, 34);
  head.write('data', 36);
  head.writeUInt32LE(samples.byteLength, 40);
  writeFileSync(path, Buffer.concat([head, Buffer.from(samples.buffer)]));
}
