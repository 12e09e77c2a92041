// Small pieces around AudioContext that both pages need.

type WithSink = AudioContext & { setSinkId?: (id: string) => Promise<void> };

/** canChooseOutput says whether this browser lets a page choose the speaker of an AudioContext. */
export function canChooseOutput(): boolean {
  return typeof AudioContext !== 'undefined' && 'setSinkId' in AudioContext.prototype;
}

/** setOutput plays a context on a device; "" is the system's default. False: the device is gone or not allowed. */
export async function setOutput(context: AudioContext, deviceId: string): Promise<boolean> {
  const sink = context as WithSink;
  if (!sink.setSinkId) return deviceId === '';
  try {
    await sink.setSinkId(deviceId);
    return true;
  } catch {
    return false;
  }
}

/** tryResume starts a context that autoplay rules may have blocked, and says whether it runs. It never hangs. */
export async function tryResume(context: AudioContext): Promise<boolean> {
  if (context.state === 'running') return true;
  if (context.state === 'closed') return false;
  const limit = new Promise<void>((resolve) => setTimeout(resolve, 300));
  await Promise.race([context.resume().catch(() => undefined), limit]);
  return (context.state as AudioContextState) === 'running';
}
