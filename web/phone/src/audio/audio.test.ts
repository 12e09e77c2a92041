import { expect, test, vi } from 'vitest';
import { Failure } from '../protocol/api';
import { Bridge } from './bridge';
import { busy, digit, keypad, ringback } from './tones';

test('ring-back is one second in five, and stops in time', () => {
  const tones = ringback(11);
  expect(tones.map((tone) => tone.at)).toEqual([0, 5, 10]);
  expect(ringback(10.5).at(-1)?.seconds).toBe(0.5);
  expect(tones.every((tone) => tone.hz.length === 1 && tone.hz[0] === 425)).toBe(true);
});

test('the busy signal is short', () => {
  const last = busy().at(-1);
  expect((last?.at ?? 0) + (last?.seconds ?? 0)).toBeLessThanOrEqual(1.5);
});

test('every key has its own pair of tones', () => {
  expect(digit('1')[0]?.hz).toEqual([697, 1209]);
  expect(digit('5')[0]?.hz).toEqual([770, 1336]);
  expect(digit('#')[0]?.hz).toEqual([941, 1477]);
  expect(new Set(keypad.map((key) => digit(key)[0]?.hz.join('+'))).size).toBe(12);
  expect(digit('x')).toEqual([]);
});

// A peer connection by hand: it gathers at once and connects when told.
class Peer {
  static all: Peer[] = [];
  iceGatheringState = 'complete';
  connectionState = 'new';
  localDescription = { sdp: 'offer' };
  remote = '';
  closed = false;
  sender = {
    track: null as unknown,
    replaceTrack: async (track: unknown) => {
      this.sender.track = track;
    },
  };
  onconnectionstatechange?: () => void;
  constructor() {
    Peer.all.push(this);
  }
  addTransceiver() {
    return { sender: this.sender };
  }
  getTransceivers() {
    return [{ sender: this.sender }];
  }
  async createOffer() {
    return {};
  }
  async setLocalDescription() {}
  async setRemoteDescription(answer: { sdp: string }) {
    this.remote = answer.sdp;
  }
  close() {
    this.closed = true;
  }
  become(state: string) {
    this.connectionState = state;
    this.onconnectionstatechange?.();
  }
}

function bridged(offer: (call: string, sdp: string) => Promise<{ sdp: string }>, microphone: () => Promise<unknown>) {
  Peer.all = [];
  vi.useFakeTimers();
  vi.stubGlobal('RTCPeerConnection', Peer);
  vi.stubGlobal('navigator', { mediaDevices: { getUserMedia: microphone } });
  const ear = { srcObject: null, play: async () => undefined } as unknown as HTMLAudioElement;
  return new Bridge(offer, ear);
}

const track = () => ({ readyState: 'live', stop: vi.fn(), onended: null });
const withTrack = (given: unknown) => async () => ({ getAudioTracks: () => [given] });
const refused = async () => {
  throw new DOMException('no', 'NotAllowedError');
};

test('the microphone goes into the offer when it comes at once', async () => {
  const given = track();
  const bridge = bridged(async () => ({ sdp: 'answer' }), withTrack(given));
  bridge.attach('c1');
  await vi.advanceTimersByTimeAsync(0);
  const peer = Peer.all[0];
  expect(peer?.sender.track).toBe(given);
  expect(peer?.remote).toBe('answer');
  peer?.become('connected');
  expect(bridge.audio.value).toEqual({ call: 'c1', link: 'open', microphone: 'on', blocked: false });
  bridge.detach();
  expect(peer?.closed).toBe(true);
  expect(given.stop).toHaveBeenCalled();
  expect(bridge.audio.value.link).toBe('off');
});

test('without a microphone the call is heard, and a later one joins without a new offer', async () => {
  const offer = vi.fn(async () => ({ sdp: 'answer' }));
  const microphone = vi.fn<() => Promise<unknown>>(refused);
  const bridge = bridged(offer, microphone);
  bridge.attach('c1');
  await vi.advanceTimersByTimeAsync(0);
  Peer.all[0]?.become('connected');
  expect(bridge.audio.value).toMatchObject({ link: 'open', microphone: 'denied' });
  const given = track();
  microphone.mockImplementation(withTrack(given));
  await bridge.retryMicrophone();
  expect(bridge.audio.value.microphone).toBe('on');
  expect(Peer.all[0]?.sender.track).toBe(given);
  expect(offer).toHaveBeenCalledTimes(1);
  bridge.detach();
});

test('a slow permission question does not hold the offer up', async () => {
  const offer = vi.fn(async () => ({ sdp: 'answer' }));
  const bridge = bridged(offer, () => new Promise(() => {}));
  bridge.attach('c1');
  await vi.advanceTimersByTimeAsync(500);
  expect(offer).toHaveBeenCalledTimes(1);
  expect(bridge.audio.value.microphone).toBe('asking');
  bridge.detach();
});

test('a lost link is offered again a few times, then said to have failed', async () => {
  const offer = vi.fn(async () => {
    throw new Failure('audio_unavailable');
  });
  const bridge = bridged(offer, refused);
  bridge.attach('c1');
  await vi.advanceTimersByTimeAsync(20_000);
  expect(offer).toHaveBeenCalledTimes(4);
  expect(bridge.audio.value.link).toBe('failed');
  expect(Peer.all.every((peer) => peer.closed)).toBe(true);
});

test('a call that is over lets go', async () => {
  const bridge = bridged(async () => {
    throw new Failure('call_over');
  }, refused);
  bridge.attach('c1');
  await vi.advanceTimersByTimeAsync(1_000);
  expect(bridge.audio.value.link).toBe('off');
  expect(Peer.all).toHaveLength(1);
});

test('audio taken by another tab is not fought for', async () => {
  const bridge = bridged(async () => ({ sdp: 'answer' }), withTrack(track()));
  bridge.attach('c1');
  await vi.advanceTimersByTimeAsync(0);
  Peer.all[0]?.become('connected');
  bridge.detach('elsewhere');
  Peer.all[0]?.become('closed');
  await vi.advanceTimersByTimeAsync(20_000);
  expect(Peer.all).toHaveLength(1);
  expect(bridge.audio.value).toMatchObject({ call: 'c1', link: 'elsewhere' });
});
