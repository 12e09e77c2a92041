// One Chromium process for each participant, because the file that plays the microphone is chosen for a whole process.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { tones, writeTone } from './tone.mjs';

const flags = [
  '--headless=new',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--use-fake-device-for-media-stream',
  '--autoplay-policy=no-user-gesture-required',
  '--allow-loopback-in-peer-connection',
];

/** Browsers owns the processes and the tone files. */
export class Browsers {
  constructor() {
    this.folder = mkdtempSync(join(tmpdir(), 'ramal-tones-'));
    this.open = new Map();
  }

  /** of is the browser of a participant, started when first needed. With refuse, it denies the microphone. */
  of(who, refuse = false) {
    const key = `${who}${refuse ? ' without microphone' : ''}`;
    if (!this.open.has(key)) this.open.set(key, this.launch(who, refuse));
    return this.open.get(key);
  }

  launch(who, refuse) {
    const file = join(this.folder, `${who}.wav`);
    writeTone(file, tones[who]);
    return chromium.launch({
      executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
      args: [
        ...flags,
        `--use-fake-ui-for-media-stream${refuse ? '=deny' : ''}`,
        `--use-file-for-fake-audio-capture=${file}`,
      ],
    });
  }

  async close() {
    await Promise.allSettled([...this.open.values()].map(async (browser) => (await browser).close()));
    rmSync(this.folder, { recursive: true, force: true });
  }
}
