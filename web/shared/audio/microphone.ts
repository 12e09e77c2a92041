// The microphone, or in one word why there is none.

export type MicrophoneProblem = 'denied' | 'absent' | 'busy' | 'insecure' | 'failed';

export type Microphone =
  | { track: MediaStreamTrack; problem?: undefined }
  | { track?: undefined; problem: MicrophoneProblem };

/** problemOf names the reason behind an error of getUserMedia. */
export function problemOf(err: unknown): MicrophoneProblem {
  const name = err instanceof Error || err instanceof DOMException ? err.name : '';
  if (name === 'NotAllowedError' || name === 'SecurityError') return 'denied';
  if (name === 'NotFoundError' || name === 'OverconstrainedError') return 'absent';
  if (name === 'NotReadableError' || name === 'AbortError') return 'busy';
  return 'failed';
}

/**
 * openMicrophone asks for the given device ("" is the default) and falls back to the default when that one is gone.
 * It never rejects. The caller owns the track and stops it.
 */
export async function openMicrophone(deviceId: string): Promise<Microphone> {
  if (!navigator.mediaDevices?.getUserMedia) return { problem: 'insecure' };
  const audio: MediaTrackConstraints = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
  const ask = (constraints: MediaTrackConstraints) => navigator.mediaDevices.getUserMedia({ audio: constraints });
  try {
    let stream: MediaStream;
    try {
      stream = await ask(deviceId ? { ...audio, deviceId: { exact: deviceId } } : audio);
    } catch (err) {
      if (!deviceId || problemOf(err) !== 'absent') throw err;
      stream = await ask(audio);
    }
    const track = stream.getAudioTracks()[0];
    return track ? { track } : { problem: 'absent' };
  } catch (err) {
    return { problem: problemOf(err) };
  }
}
