// The other end of the audio in the browser test: a page that answers offers with a steady tone and measures what comes.

let page;

/** answerOffer answers in the given page, which plays 440 Hz and listens. */
export function answerOffer(business, sdp) {
  page = business;
  return business.evaluate(async (offer) => {
    const pc = new RTCPeerConnection();
    const context = new AudioContext();
    const out = context.createMediaStreamDestination();
    const tone = context.createOscillator();
    tone.frequency.value = 440;
    tone.connect(out);
    tone.start();
    const analyser = context.createAnalyser();
    globalThis.heard = analyser;
    pc.ontrack = (event) => {
      const stream = new MediaStream([event.track]);
      const pump = new Audio(); // Chromium moves remote audio only while an element plays it
      pump.muted = true;
      pump.srcObject = stream;
      globalThis.pump = pump;
      context.createMediaStreamSource(stream).connect(analyser);
    };
    await pc.setRemoteDescription({ type: 'offer', sdp: offer });
    pc.addTrack(out.stream.getAudioTracks()[0], out.stream);
    await pc.setLocalDescription(await pc.createAnswer());
    if (pc.iceGatheringState !== 'complete') {
      await new Promise((done) => {
        pc.onicegatheringstatechange = () => pc.iceGatheringState === 'complete' && done();
      });
    }
    return pc.localDescription.sdp;
  }, sdp);
}

/** levels is the loudest sample the business hears now. */
export function levels() {
  return page.evaluate(() => {
    const data = new Float32Array(globalThis.heard.fftSize);
    globalThis.heard.getFloatTimeDomainData(data);
    return Math.max(...data.map(Math.abs));
  });
}

/** hears is the strength of 440 Hz in what the phone page plays. */
export function hears(phone) {
  return phone.evaluate(async () => {
    const ear = document.querySelector('[data-testid=remote-audio]');
    if (!ear?.srcObject) return 0;
    const context = new AudioContext();
    const analyser = context.createAnalyser();
    analyser.fftSize = 4096;
    context.createMediaStreamSource(ear.srcObject).connect(analyser);
    await new Promise((wake) => setTimeout(wake, 300));
    const data = new Float32Array(analyser.fftSize);
    analyser.getFloatTimeDomainData(data);
    await context.close();
    let re = 0;
    let im = 0;
    data.forEach((value, n) => {
      re += value * Math.cos((2 * Math.PI * 440 * n) / context.sampleRate);
      im += value * Math.sin((2 * Math.PI * 440 * n) / context.sampleRate);
    });
    return (2 * Math.hypot(re, im)) / data.length;
  });
}
