// The other end of the audio in the browser tests: a page that says a steady tone and measures what it hears.

let page;

// open puts a fresh connection into the page, with 440 Hz to send and an analyser behind what is received.
async function open(business) {
  page = business;
  await business.evaluate(() => {
    globalThis.pc?.close();
    const pc = new RTCPeerConnection();
    const context = new AudioContext();
    const out = context.createMediaStreamDestination();
    const tone = context.createOscillator();
    tone.frequency.value = 440;
    tone.connect(out);
    tone.start();
    const analyser = context.createAnalyser();
    pc.ontrack = (event) => {
      const stream = new MediaStream([event.track]);
      const pump = new Audio(); // Chromium moves remote audio only while an element plays it
      pump.muted = true;
      pump.srcObject = stream;
      globalThis.pump = pump;
      context.createMediaStreamSource(stream).connect(analyser);
    };
    globalThis.pc = pc;
    globalThis.heard = analyser;
    globalThis.voice = out.stream;
    globalThis.complete = async () => {
      if (pc.iceGatheringState !== 'complete') {
        await new Promise((done) => {
          pc.onicegatheringstatechange = () => pc.iceGatheringState === 'complete' && done();
        });
      }
      return pc.localDescription.sdp;
    };
  });
}

/** answerOffer answers an offer. */
export async function answerOffer(business, sdp) {
  await open(business);
  return business.evaluate(async (offer) => {
    const { pc, voice, complete } = globalThis;
    await pc.setRemoteDescription({ type: 'offer', sdp: offer });
    pc.addTrack(voice.getAudioTracks()[0], voice);
    await pc.setLocalDescription(await pc.createAnswer());
    return complete();
  }, sdp);
}

/** makeOffer begins a call; takeAnswer goes on with it. */
export async function makeOffer(business) {
  await open(business);
  return business.evaluate(async () => {
    const { pc, voice, complete } = globalThis;
    pc.addTrack(voice.getAudioTracks()[0], voice);
    await pc.setLocalDescription(await pc.createOffer());
    return complete();
  });
}

export function takeAnswer(business, sdp) {
  return business.evaluate((answer) => globalThis.pc.setRemoteDescription({ type: 'answer', sdp: answer }), sdp);
}

/** hangUp closes the connection of the page. */
export function hangUp() {
  return page.evaluate(() => globalThis.pc.close());
}

/** levels is the loudest sample that the business hears now. */
export function levels() {
  return page.evaluate(async () => {
    const data = new Float32Array(globalThis.heard.fftSize);
    let loudest = 0;
    for (let n = 0; n < 25; n++) {
      globalThis.heard.getFloatTimeDomainData(data);
      loudest = Math.max(loudest, ...data.map(Math.abs));
      await new Promise((wake) => setTimeout(wake, 40));
    }
    return loudest;
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
