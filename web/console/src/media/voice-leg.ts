import type { SlotView } from '../protocol/types';
import { Playback } from './playback';
import { legByMid } from './slots';

export const receivingTracks = 7; // the first also sends

export type LegState = 'connecting' | 'connected' | 'disconnected' | 'failed' | 'closed';

export interface LegEvents {
  onState: (state: LegState) => void;
  onPlaying: (running: boolean) => void; // false: the browser blocks audio until a click
  onClosedByServer: () => void; // the server ended this connection in good order: it has another one, or none
  onMicrophoneEnded: () => void; // unplugged, or taken by the system
}

/**
 * VoiceLeg is this agent's end of one call: one RTCPeerConnection, one microphone track, one Playback. The microphone
 * may come after the offer, or never: the first transceiver is made without a track and gets it when it is there, so
 * that a question of the browser to the user never delays the call. Whoever makes it calls close().
 */
export class VoiceLeg {
  private readonly connection: RTCPeerConnection;
  private readonly playback: Playback;
  private readonly sending: RTCRtpTransceiver;
  private microphone: MediaStreamTrack | null = null;
  private muted = false;
  private slots = new Map<string, string>();
  private gains: (leg: string) => number = () => 1;
  private closed = false;

  constructor(private readonly events: LegEvents) {
    this.playback = new Playback((running) => events.onPlaying(running));
    this.connection = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
    this.sending = this.connection.addTransceiver('audio', { direction: 'sendrecv' });
    for (let i = 1; i < receivingTracks; i++) this.connection.addTransceiver('audio', { direction: 'recvonly' });
    for (const transceiver of this.connection.getTransceivers()) preferOpus(transceiver);
    this.connection.onconnectionstatechange = () => this.stateChanged();
  }

  /** offer returns the SDP to send at once; the server learns our address from the first check. */
  async offer(): Promise<string> {
    await this.connection.setLocalDescription(await this.connection.createOffer());
    return this.connection.localDescription?.sdp ?? '';
  }

  async answer(sdp: string, slots: readonly SlotView[]): Promise<void> {
    await this.connection.setRemoteDescription({ type: 'answer', sdp });
    if (this.closed) return;
    this.watchTransport();
    for (const transceiver of this.connection.getTransceivers()) {
      if (transceiver.mid !== null) this.playback.add(transceiver.mid, transceiver.receiver.track);
    }
    this.setSlots(slots);
    this.events.onPlaying(await this.playback.resume());
  }

  setSlots(slots: readonly SlotView[]): void {
    this.slots = legByMid(slots);
    this.applyGains();
  }

  /** setGains takes the rule that says how loud each leg is, and applies it now and at each change of slots. */
  setGains(gains: (leg: string) => number): void {
    this.gains = gains;
    this.applyGains();
  }

  private applyGains(): void {
    for (const transceiver of this.connection.getTransceivers()) {
      if (transceiver.mid === null) continue;
      const leg = this.slots.get(transceiver.mid);
      this.playback.setGain(transceiver.mid, leg === undefined ? 0 : this.gains(leg));
    }
  }

  /** speaking lists the legs that can be heard now. */
  speaking(): string[] {
    const out: string[] = [];
    for (const [mid, leg] of this.slots) if (this.playback.speaking(mid)) out.push(leg);
    return out;
  }

  /** setMicrophone sends a track and stops the one before; null sends silence. The leg owns the track from here. */
  async setMicrophone(track: MediaStreamTrack | null): Promise<void> {
    if (this.closed) {
      track?.stop();
      return;
    }
    const before = this.microphone;
    this.microphone = track;
    if (track) {
      track.enabled = !this.muted;
      track.onended = () => {
        if (this.microphone === track) this.events.onMicrophoneEnded();
      };
    }
    await this.sending.sender.replaceTrack(track);
    if (before) before.onended = null;
    before?.stop();
  }

  get hasMicrophone(): boolean {
    return this.microphone !== null;
  }

  setMuted(muted: boolean): void {
    this.muted = muted;
    if (this.microphone) this.microphone.enabled = !muted;
  }

  setSpeaker(deviceId: string): Promise<boolean> {
    return this.playback.setSpeaker(deviceId);
  }

  async resume(): Promise<void> {
    this.events.onPlaying(await this.playback.resume());
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.connection.onconnectionstatechange = null;
    if (this.microphone) this.microphone.onended = null;
    this.microphone?.stop();
    this.connection.close();
    this.playback.close();
  }

  /** watchTransport hears DTLS's goodbye, seconds before the connection's own state shows that nobody answers. */
  private watchTransport(): void {
    const transport = this.sending.sender.transport;
    if (!transport) return;
    const look = () => {
      if (!this.closed && transport.state === 'closed') this.events.onClosedByServer();
    };
    transport.addEventListener('statechange', look);
    look();
  }

  private stateChanged(): void {
    const state = this.connection.connectionState;
    this.events.onState(state === 'new' ? 'connecting' : state);
  }
}

/** preferOpus offers one codec, since no other is ever chosen: seven sections stay small. */
function preferOpus(transceiver: RTCRtpTransceiver): void {
  const codecs = RTCRtpReceiver.getCapabilities('audio')?.codecs.filter((codec) => codec.mimeType === 'audio/opus');
  if (codecs?.length && 'setCodecPreferences' in transceiver) transceiver.setCodecPreferences(codecs);
}
