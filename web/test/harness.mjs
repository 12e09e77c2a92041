// Chromium, the fake engine and a page that plays the media server, for the console's browser tests.
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { AxeBuilder } from '@axe-core/playwright';
import { chromium } from 'playwright-core';
import { FakeServer } from './fake-server.mjs';

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
  '--use-fake-ui-for-media-stream',
];

export const wide = { width: 1280, height: 800 };
export const narrow = { width: 400, height: 800 };
const dist = resolve(import.meta.dirname, '../dist');
const shots = process.env['SHOTS'] ?? '';

/** mediaServer runs in a page: it answers offers, plays a tone for each leg and measures what the agent sends. */
function mediaServer() {
  const context = new AudioContext();
  const peers = [];
  const tones = new Map();
  window.toneOf = (leg) => {
    if (!tones.has(leg)) tones.set(leg, 400 + tones.size * 170);
    return tones.get(leg);
  };
  window.answer = async (sdp, legs) => {
    const peer = new RTCPeerConnection();
    await peer.setRemoteDescription({ type: 'offer', sdp });
    const transceivers = peer.getTransceivers();
    const analyser = context.createAnalyser();
    analyser.fftSize = 2048;
    const incoming = new MediaStream([transceivers[0].receiver.track]);
    const element = new Audio();
    element.muted = true;
    element.srcObject = incoming;
    element.play().catch(() => undefined);
    context.createMediaStreamSource(incoming).connect(analyser);
    const entry = { peer, analyser, transceivers };
    peers.push(entry);
    const slots = [];
    for (const [index, transceiver] of transceivers.entries()) {
      transceiver.direction = index === 0 ? 'sendrecv' : 'sendonly';
      slots.push({ mid: transceiver.mid, leg_id: legs[index] ?? '' });
    }
    await Promise.all(legs.map((leg, index) => window.play(peers.length - 1, index, leg)));
    await peer.setLocalDescription(await peer.createAnswer());
    await new Promise((done) => {
      if (peer.iceGatheringState === 'complete') return done();
      peer.onicegatheringstatechange = () => peer.iceGatheringState === 'complete' && done();
    });
    return { sdp: peer.localDescription.sdp, slots, peer: peers.indexOf(entry) };
  };
  window.play = async (number, index, leg) => {
    const oscillator = context.createOscillator();
    const gain = context.createGain();
    const out = context.createMediaStreamDestination();
    oscillator.frequency.value = window.toneOf(leg);
    gain.gain.value = 0.2;
    oscillator.connect(gain).connect(out);
    oscillator.start();
    await peers[number].transceivers[index].sender.replaceTrack(out.stream.getAudioTracks()[0]);
  };
  window.peerCount = () => peers.length;
  window.closePeer = (number) => peers.at(number).peer.close();
  /** the loudest of the agent's microphone within a second */
  window.heard = async () => {
    const samples = new Float32Array(2048);
    let peak = 0;
    for (let i = 0; i < 30; i++) {
      peers.at(-1).analyser.getFloatTimeDomainData(samples);
      for (const sample of samples) peak = Math.max(peak, Math.abs(sample));
      await new Promise((next) => setTimeout(next, 40));
    }
    return peak;
  };
}

/** ear taps everything that a page plays, before it reaches the speaker. */
function ear() {
  const connect = AudioNode.prototype.connect;
  const taps = new Map();
  AudioNode.prototype.connect = function (target, ...rest) {
    if (target instanceof AudioDestinationNode) {
      let tap = taps.get(target);
      if (!tap) {
        tap = target.context.createAnalyser();
        tap.fftSize = 8192;
        taps.set(target, tap);
      }
      connect.call(this, tap);
    }
    return connect.call(this, target, ...rest);
  };
  /** level of one frequency at the ear, as an amplitude */
  window.levelAt = (hz) => {
    let most = 0;
    for (const tap of taps.values()) {
      if (tap.context.state === 'closed') continue; // it keeps its last samples
      const samples = new Float32Array(tap.fftSize);
      tap.getFloatTimeDomainData(samples);
      const step = (2 * Math.PI * hz) / tap.context.sampleRate;
      let re = 0;
      let im = 0;
      samples.forEach((sample, i) => {
        const hann = 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / samples.length);
        re += sample * hann * Math.cos(step * i);
        im += sample * hann * Math.sin(step * i);
      });
      most = Math.max(most, (4 * Math.hypot(re, im)) / samples.length);
    }
    return most;
  };
}

export class Harness {
  problems = [];
  steps = 0;

  async start() {
    if (shots) mkdirSync(shots, { recursive: true });
    this.browser = await chromium.launch({
      executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
      args: flags,
    });
    this.server = await new FakeServer({
      dist,
      close: (peer) => this.media.evaluate((number) => window.closePeer(number), peer),
      answer: (sdp, legs) => this.media.evaluate(([s, l]) => window.answer(s, l), [sdp, legs]),
    }).start();
    const context = await this.browser.newContext({ permissions: ['microphone'] });
    this.media = await context.newPage();
    await this.media.goto(`${this.server.url}/icon.svg`);
    await this.media.evaluate(() => navigator.mediaDevices.getUserMedia({ audio: true }).then(() => undefined));
    await this.media.evaluate(`(${mediaServer})()`);
    return this;
  }

  async stop() {
    await this.browser.close();
    await this.server.stop();
  }

  /** context is one browser of one agent; its pages are tabs that share locks and channels. */
  async context(options = {}) {
    const context = await this.browser.newContext({
      viewport: wide,
      locale: 'pt-BR',
      timezoneId: 'America/Sao_Paulo',
      permissions: ['microphone', 'notifications'],
      ...options,
    });
    await context.addInitScript(ear);
    return context;
  }

  async tab(context, agent, place = '') {
    const page = await context.newPage();
    page.on('pageerror', (err) => this.problems.push(`page error: ${err.stack}`));
    page.on('console', (message) => {
      if (message.text().includes('Content Security Policy')) this.problems.push(message.text());
    });
    await page.goto(agent ? this.server.link(agent) : this.server.url);
    if (agent) await page.waitForSelector('[data-testid=connection][data-phase=open]');
    if (place)
      await page.evaluate((hash) => {
        location.hash = hash;
      }, place);
    return page;
  }

  /** look lets axe see the page, at both widths, and takes a picture of each when SHOTS names a folder. */
  async look(page, name, sizes = [wide, narrow]) {
    this.steps += 1;
    for (const size of sizes) {
      await page.setViewportSize(size);
      await page.waitForTimeout(150);
      if (shots) {
        const file = `${String(this.steps).padStart(2, '0')}-${name}-${size.width}.png`;
        await page.screenshot({ path: resolve(shots, file) });
      }
      const { violations } = await new AxeBuilder({ page }).analyze();
      const found = violations.map(
        (v) => `${v.id}: ${v.nodes.map((n) => `${n.target} ${n.failureSummary}`).join(' | ')}`,
      );
      assert.deepEqual(found, [], `axe at ${name}, ${size.width} px`);
      const sideways = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
      assert.equal(sideways, false, `${name} scrolls sideways at ${size.width} px`);
    }
    await page.setViewportSize(wide);
    console.log(`ok ${name}`);
  }
}

export const by = (page, id) => page.locator(`[data-testid="${id}"]`);

/** until waits for a condition that no selector can say. */
export async function until(check, what) {
  const deadline = Date.now() + 20_000;
  while (!(await check())) {
    if (Date.now() > deadline) throw new Error(`not in time: ${what}`);
    await new Promise((wake) => setTimeout(wake, 60));
  }
}
