import { signal } from '@preact/signals';
import { type MicrophoneProblem, openMicrophone } from '../../../shared/audio/microphone';
import { Failure } from '../protocol/api';

// The browser as microphone and ear of one call (sim/PHONE-API.md section 5): one peer connection, whose sender is there
// from the beginning and gets the microphone when the user has allowed it. The call can so be heard at once, and goes on
// without a microphone. Everything here is owned by the Bridge; `audio` is how the page sees it.

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

export type Bridge = ReturnType<typeof createBridge>;

/** createBridge sends offers by `offer` and plays into `ear`. */
export function createBridge(offer: (call: string, sdp: string) => Promise<{ sdp: string }>, ear: HTMLAudioElement) {
  const audio = signal<AudioState>(audioOff);
  let turn = 0; // counts attachments: what an older one still does is ignored
  let tries = 0;
  let peer: RTCPeerConnection | undefined;
  let microphone: MediaStreamTrack | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const set = (change: Partial<AudioState>) => {
    audio.value = { ...audio.peek(), ...change };
  };

  const hangUpPeer = () => {
    turn += 1;
    clearTimeout(timer);
    peer?.close();
    peer = undefined;
    ear.srcObject = null;
  };

  const dropMicrophone = () => {
    if (microphone) microphone.onended = null;
    microphone?.stop();
    microphone = undefined;
  };

  const takeMicrophone = async (mine: number): Promise<void> => {
    if (microphone?.readyState === 'live') return;
    set({ microphone: 'asking' });
    const got = await openMicrophone('');
    if (mine !== turn) {
      got.track?.stop();
      return;
    }
    microphone = got.track;
    set({ microphone: got.problem ?? 'on' });
    if (!got.track) return;
    got.track.onended = () => set({ microphone: 'absent' });
    await peer?.getTransceivers()[0]?.sender.replaceTrack(got.track);
  };

  const playEar = async () => {
    try {
      await ear.play();
      set({ blocked: false });
    } catch (err) {
      if (err instanceof DOMException && err.name === 'NotAllowedError') set({ blocked: true });
    }
  };

  const again = (mine: number, call: string) => {
    if (mine !== turn) return;
    const wait = retryMs[tries];
    tries += 1;
    hangUpPeer();
    if (wait === undefined) set({ link: 'failed' });
    else {
      set({ link: 'opening' });
      timer = setTimeout(() => void connect(call), wait);
    }
  };

  const watch = (pc: RTCPeerConnection, mine: number, call: string) => {
    pc.ontrack = (event) => {
      ear.srcObject = new MediaStream([event.track]);
      void playEar();
    };
    pc.onconnectionstatechange = () => {
      if (mine !== turn) return;
      clearTimeout(timer);
      if (pc.connectionState === 'connected') {
        tries = 0;
        set({ link: 'open' });
      } else if (pc.connectionState === 'failed' || pc.connectionState === 'closed') again(mine, call);
      else if (pc.connectionState === 'disconnected') timer = setTimeout(() => again(mine, call), disconnectedMs);
    };
  };

  const connect = async (call: string) => {
    hangUpPeer();
    const mine = turn;
    set({ call, link: 'opening' });
    const pc = new RTCPeerConnection();
    peer = pc;
    watch(pc, mine, call);
    const sender = pc.addTransceiver('audio', { direction: 'sendrecv' }).sender;
    const ready = takeMicrophone(mine);
    try {
      await Promise.race([ready, delay(microphoneFirstMs)]);
      if (microphone && sender.track !== microphone) await sender.replaceTrack(microphone);
      await pc.setLocalDescription(await pc.createOffer());
      await gathered(pc);
      if (mine !== turn) return;
      const answer = await offer(call, pc.localDescription?.sdp ?? '');
      if (mine !== turn) return;
      await pc.setRemoteDescription({ type: 'answer', sdp: answer.sdp });
    } catch (err) {
      if (err instanceof Failure && (err.code === 'call_over' || err.code === 'no_call')) {
        if (mine === turn) detach();
      } else again(mine, call);
    }
  };

  const detach = (link: 'off' | 'elsewhere' = 'off') => {
    hangUpPeer();
    dropMicrophone();
    audio.value = link === 'off' ? audioOff : { ...audioOff, call: audio.peek().call, link };
  };

  return {
    audio,
    /** attach makes this page the audio of a call, instead of whatever it was attached to. */
    attach(call: string) {
      const now = audio.peek();
      if (now.call === call && (now.link === 'opening' || now.link === 'open')) return;
      tries = 0;
      void connect(call);
    },
    detach,
    /** retryMicrophone asks again, in the running call; a link that had failed for want of it is opened anew. */
    async retryMicrophone() {
      const { call, link } = audio.peek();
      if (link === 'failed' && call) {
        tries = 0;
        await connect(call);
      } else if (link !== 'off') await takeMicrophone(turn);
    },
    /** unblock is called inside a gesture of the user. */
    unblock: playEar,
  };
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
