import { signal } from '@preact/signals';
import { type MicrophoneProblem, openMicrophone } from '../../../shared/audio/microphone';
import { Failure } from '../protocol/api';

// The browser as microphone and ear of one call (sim/PHONE-API.md section 5): one peer connection, whose sender is there
// from the beginning and gets the microphone when the user has allowed it. The call can so be heard at once, and goes on
// without a microphone. A Bridge owns its connection and its microphone; `audio` is how the page sees them.

export type Link = 'off' | 'opening' | 'open' | 'failed' | 'elsewhere';
export type MicrophoneState = 'off' | 'asking' | 'on' | MicrophoneProblem;

export interface AudioState {
  call: string;
  link: Link;
  microphone: MicrophoneState;
  blocked: boolean; // the browser does not play without a gesture
}

export const audioOff: AudioState = { call: '', link: 'off', microphone: 'off', blocked: false };

/** microphoneFirstMs is how long the offer waits for the microphone: with it, the browser offers its real addresses. */
const microphoneFirstMs = 400;
const gatheringMs = 1_000;
const disconnectedMs = 4_000;
const retryMs: readonly number[] = [300, 1_000, 3_000];

type Offer = (call: string, sdp: string) => Promise<{ sdp: string }>;

export class Bridge {
  readonly audio = signal<AudioState>(audioOff);
  private turn = 0; // counts connections: what an older one still does is ignored
  private tries = 0;
  private peer: RTCPeerConnection | undefined;
  private microphone: MediaStreamTrack | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;

  /** A Bridge sends its offers by `offer` and plays into `ear`. */
  constructor(
    private readonly offer: Offer,
    private readonly ear: HTMLAudioElement,
  ) {}

  /** attach makes this page the audio of a call, instead of whatever it was attached to. */
  attach(call: string): void {
    const now = this.audio.peek();
    if (now.call === call && (now.link === 'opening' || now.link === 'open')) return;
    this.tries = 0;
    void this.connect(call);
  }

  /** detach lets go of the call and of the microphone; `elsewhere` remembers that another tab took the call. */
  detach(link: 'off' | 'elsewhere' = 'off'): void {
    this.closePeer();
    if (this.microphone) this.microphone.onended = null;
    this.microphone?.stop();
    this.microphone = undefined;
    this.audio.value = link === 'off' ? audioOff : { ...audioOff, call: this.audio.peek().call, link };
  }

  /** retryMicrophone asks again, in the running call; a link that had failed is opened anew. */
  async retryMicrophone(): Promise<void> {
    const { call, link } = this.audio.peek();
    if (link === 'failed' && call) this.attach(call);
    else if (link !== 'off') await this.takeMicrophone(this.turn);
  }

  /** unblock plays what the browser had blocked; it is called inside a gesture of the user. */
  async unblock(): Promise<void> {
    try {
      await this.ear.play();
      this.set({ blocked: false });
    } catch (err) {
      if (err instanceof DOMException && err.name === 'NotAllowedError') this.set({ blocked: true });
    }
  }

  private set(change: Partial<AudioState>): void {
    this.audio.value = { ...this.audio.peek(), ...change };
  }

  private closePeer(): void {
    this.turn += 1;
    clearTimeout(this.timer);
    this.peer?.close();
    this.peer = undefined;
    this.ear.srcObject = null;
  }

  private async takeMicrophone(turn: number): Promise<void> {
    if (this.microphone?.readyState === 'live') return;
    this.set({ microphone: 'asking' });
    const got = await openMicrophone('');
    if (turn !== this.turn) {
      got.track?.stop();
      return;
    }
    this.microphone = got.track;
    this.set({ microphone: got.problem ?? 'on' });
    if (!got.track) return;
    got.track.onended = () => this.set({ microphone: 'absent' });
    await this.peer?.getTransceivers()[0]?.sender.replaceTrack(got.track);
  }

  private again(turn: number, call: string): void {
    if (turn !== this.turn) return;
    const wait = retryMs[this.tries];
    this.tries += 1;
    this.closePeer();
    if (wait === undefined) this.set({ link: 'failed' });
    else {
      this.set({ link: 'opening' });
      this.timer = setTimeout(() => void this.connect(call), wait);
    }
  }

  private watch(peer: RTCPeerConnection, turn: number, call: string): void {
    peer.ontrack = (event) => {
      this.ear.srcObject = new MediaStream([event.track]);
      void this.unblock();
    };
    peer.onconnectionstatechange = () => {
      if (turn !== this.turn) return;
      clearTimeout(this.timer);
      const state = peer.connectionState;
      if (state === 'connected') {
        this.tries = 0;
        this.set({ link: 'open' });
      } else if (state === 'failed' || state === 'closed') this.again(turn, call);
      else if (state === 'disconnected') this.timer = setTimeout(() => this.again(turn, call), disconnectedMs);
    };
  }

  private async connect(call: string): Promise<void> {
    this.closePeer();
    const turn = this.turn;
    this.set({ call, link: 'opening' });
    const peer = new RTCPeerConnection();
    this.peer = peer;
    this.watch(peer, turn, call);
    const { sender } = peer.addTransceiver('audio', { direction: 'sendrecv' });
    try {
      await Promise.race([this.takeMicrophone(turn), delay(microphoneFirstMs)]);
      if (turn !== this.turn) return;
      if (this.microphone && sender.track !== this.microphone) await sender.replaceTrack(this.microphone);
      await peer.setLocalDescription(await peer.createOffer());
      await gathered(peer);
      if (turn !== this.turn) return;
      const answer = await this.offer(call, peer.localDescription?.sdp ?? '');
      if (turn === this.turn) await peer.setRemoteDescription({ type: 'answer', sdp: answer.sdp });
    } catch (err) {
      const over = err instanceof Failure && (err.code === 'call_over' || err.code === 'no_call');
      if (!over) this.again(turn, call);
      else if (turn === this.turn) this.detach();
    }
  }
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function gathered(pc: RTCPeerConnection): Promise<void> {
  if (pc.iceGatheringState === 'complete') return Promise.resolve();
  const complete = new Promise<void>((resolve) => {
    pc.onicegatheringstatechange = () => {
      if (pc.iceGatheringState === 'complete') resolve();
    };
  });
  return Promise.race([complete, delay(gatheringMs)]);
}
