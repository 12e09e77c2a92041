import { signal } from '@preact/signals';

// The microphones and speakers of this machine. Names are known only after the microphone was allowed once.

export interface Device {
  id: string;
  name: string; // "" until the browser tells it
}

export const microphones = signal<readonly Device[]>([]);
export const speakers = signal<readonly Device[]>([]);

/** realDevices leaves out the browser's aliases "default" and "communications": "" stands for the default here. */
export function realDevices(devices: readonly MediaDeviceInfo[], kind: MediaDeviceKind): Device[] {
  return devices
    .filter((device) => device.kind === kind && device.deviceId !== '')
    .filter((device) => device.deviceId !== 'default' && device.deviceId !== 'communications')
    .map((device) => ({ id: device.deviceId, name: device.label }));
}

export async function readDevices(): Promise<void> {
  if (!navigator.mediaDevices?.enumerateDevices) return;
  try {
    const devices = await navigator.mediaDevices.enumerateDevices();
    microphones.value = realDevices(devices, 'audioinput');
    speakers.value = realDevices(devices, 'audiooutput');
  } catch {
    // not allowed: the choices stay at the default device
  }
}

/** watchDevices follows plugging and unplugging until the returned function is called. */
export function watchDevices(): () => void {
  void readDevices();
  const changed = () => void readDevices();
  navigator.mediaDevices?.addEventListener?.('devicechange', changed);
  return () => navigator.mediaDevices?.removeEventListener?.('devicechange', changed);
}
