// An ear inside a page: what really goes to the speaker is measured, not what ought to. installEar runs in the page before
// its own code: it taps everything that is connected to an AudioContext's destination, and the audio element of the
// customer's phone. In the page, ear.hear(tones, ms) answers dBFS by tone, ear.gains(hz, ms) how loud a voice goes to the speaker
// in proportion to how it came in.

export function installEar() {
  const connect = AudioNode.prototype.connect;
  const makeSource = AudioContext.prototype.createMediaStreamSource;
  const outputs = new Map(); // AudioContext -> analyser of all that it plays
  const sources = []; // what came in: {context, analyser}
  const size = 4096; // 85 ms at 48 kHz
  let phone = null; // tap of the phone page's audio element

  const analyserIn = (context) => {
    const analyser = new AnalyserNode(context, { fftSize: size });
    return analyser;
  };
  AudioNode.prototype.connect = function (target, ...rest) {
    const result = connect.call(this, target, ...rest);
    if (target instanceof AudioDestinationNode && this.context instanceof AudioContext) {
      if (!outputs.has(this.context)) outputs.set(this.context, analyserIn(this.context));
      connect.call(this, outputs.get(this.context));
    }
    return result;
  };
  AudioContext.prototype.createMediaStreamSource = function (stream) {
    const node = makeSource.call(this, stream);
    const analyser = analyserIn(this);
    connect.call(node, analyser);
    sources.push({ context: this, analyser });
    return node;
  };

  const samples = new Float32Array(size);
  const hann = samples.map((_, n) => 0.5 - 0.5 * Math.cos((2 * Math.PI * n) / size));
  const amplitude = (hz, sampleRate) => {
    let re = 0;
    let im = 0;
    const step = (2 * Math.PI * hz) / sampleRate;
    for (let n = 0; n < size; n++) {
      const value = samples[n] * hann[n];
      re += value * Math.cos(step * n);
      im += value * Math.sin(step * n);
    }
    return (4 * Math.hypot(re, im)) / size;
  };
  const strength = (analyser, hz) => {
    analyser.getFloatTimeDomainData(samples);
    return amplitude(hz, analyser.context.sampleRate);
  };
  const tapPhone = () => {
    const element = document.querySelector('[data-testid=remote-audio]');
    const stream = element && !element.paused && !element.muted ? element.srcObject : null;
    if (phone && phone.stream !== stream) {
      void phone.context.close();
      phone = null;
    }
    if (stream && !phone) {
      const context = new AudioContext();
      const analyser = analyserIn(context);
      connect.call(makeSource.call(context, stream), analyser);
      phone = { stream, context, analyser, volume: () => element.volume };
    }
    return phone;
  };
  const open = () => [...outputs].filter(([context]) => context.state !== 'closed').map(([, analyser]) => analyser);
  const frames = async (ms, look) => {
    const end = performance.now() + ms;
    do {
      look();
      await new Promise((wake) => setTimeout(wake, 25));
    } while (performance.now() < end);
  };
  // of three parts of time the tone sounds in two: what is louder than a quarter of the frames is loud for a tone that is
  // there, and quiet for one that is not, whatever a hiccup of the machine adds to a single frame
  const typical = (values) => values.sort((a, b) => a - b)[Math.floor(values.length * 0.75)] ?? 0;
  const decibel = (value) => Math.round(Math.max(-120, 20 * Math.log10(value)) * 10) / 10;

  globalThis.ear = {
    async hear(tones, ms = 1200) {
      const seen = tones.map(() => []);
      await frames(ms, () => {
        const tap = tapPhone();
        tones.forEach((hz, i) => {
          const all = open().map((analyser) => strength(analyser, hz));
          if (tap) all.push(strength(tap.analyser, hz) * tap.volume());
          seen[i].push(Math.hypot(...all));
        });
      });
      return Object.fromEntries(tones.map((hz, i) => [hz, decibel(typical(seen[i]))]));
    },
    /** gain of the voice with this tone: 0 when it comes in and is not played, NaN when it does not come in. */
    async gain(hz, ms = 1200) {
      const ratios = [];
      await frames(ms, () => {
        for (const { context, analyser } of sources) {
          if (context.state !== 'running') continue;
          const came = strength(analyser, hz);
          if (came < 0.01) continue;
          ratios.push(strength(outputs.get(context), hz) / came);
        }
      });
      ratios.sort((a, b) => a - b);
      return ratios[Math.floor(ratios.length / 2)] ?? Number.NaN;
    },
  };
}
