import { setOutput, tryResume } from '../../../shared/audio/context';

// What is heard: each receiving track goes through its own gain into one AudioContext, whose output device may be chosen.
//
//   track -> MediaStreamSource -> analyser (level before the gain) -> gain -> destination
//         -> <audio muted>   (Chrome lets a remote track flow only when an element plays it)

interface Voice {
  element: HTMLAudioElement;
  source: MediaStreamAudioSourceNode;
  analyser: AnalyserNode;
  gain: GainNode;
}

const speakingLevel = 0.012; // root mean square, about -38 dBFS

/** Playback owns the AudioContext and the voices of one connection, by mid. */
export class Playback {
  readonly context: AudioContext;
  private readonly voices = new Map<string, Voice>();
  private readonly samples = new Float32Array(1024);

  constructor(private readonly onState: (running: boolean) => void) {
    this.context = new AudioContext({ latencyHint: 'interactive' });
    this.context.onstatechange = () => this.onState(this.context.state === 'running');
  }

  add(mid: string, track: MediaStreamTrack): void {
    this.remove(mid);
    const stream = new MediaStream([track]);
    const element = new Audio();
    element.muted = true;
    element.srcObject = stream;
    element.play().catch(() => undefined); // a muted element is never blocked; ended tracks may reject
    const source = this.context.createMediaStreamSource(stream);
    const analyser = this.context.createAnalyser();
    analyser.fftSize = this.samples.length;
    const gain = this.context.createGain();
    gain.gain.value = 0; // silent until a participant is known for this track
    source.connect(analyser).connect(gain).connect(this.context.destination);
    this.voices.set(mid, { element, source, analyser, gain });
  }

  /** setGain moves to a volume without a click. */
  setGain(mid: string, gain: number): void {
    const voice = this.voices.get(mid);
    voice?.gain.gain.setTargetAtTime(gain, this.context.currentTime, 0.015);
  }

  /** speaking says whether a voice can be heard on a track, whatever its volume here. */
  speaking(mid: string): boolean {
    const voice = this.voices.get(mid);
    if (!voice) return false;
    voice.analyser.getFloatTimeDomainData(this.samples);
    let sum = 0;
    for (const sample of this.samples) sum += sample * sample;
    return Math.sqrt(sum / this.samples.length) > speakingLevel;
  }

  setSpeaker(deviceId: string): Promise<boolean> {
    return setOutput(this.context, deviceId);
  }

  resume(): Promise<boolean> {
    return tryResume(this.context);
  }

  close(): void {
    for (const mid of [...this.voices.keys()]) this.remove(mid);
    this.context.onstatechange = null;
    void this.context.close().catch(() => undefined);
  }

  private remove(mid: string): void {
    const voice = this.voices.get(mid);
    if (!voice) return;
    voice.element.pause();
    voice.element.srcObject = null;
    voice.source.disconnect();
    voice.analyser.disconnect();
    voice.gain.disconnect();
    this.voices.delete(mid);
  }
}
