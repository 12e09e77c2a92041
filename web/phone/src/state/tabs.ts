// Which tab of the browser is the audio of a call. A tab remembers its call over a reload (sessionStorage) and tells the
// others when it takes one, so that they let go instead of fighting for it.

function storageKey(key: string): string {
  return `ramal.phone.call.${key}`;
}

export function rememberCall(key: string, call: string): void {
  try {
    if (call) sessionStorage.setItem(storageKey(key), call);
    else sessionStorage.removeItem(storageKey(key));
  } catch {
    // without storage a reloaded page asks before it takes the audio
  }
}

export function rememberedCall(key: string): string {
  try {
    return sessionStorage.getItem(storageKey(key)) ?? '';
  } catch {
    return '';
  }
}

export interface Claims {
  claim: (call: string) => void;
  close: () => void;
}

/** claimAudio calls lost when another tab takes the audio of a call. */
export function claimAudio(key: string, lost: (call: string) => void): Claims {
  const channel = new BroadcastChannel(`ramal.phone.${key}`);
  channel.onmessage = (event: MessageEvent<unknown>) => {
    if (typeof event.data !== 'string') return;
    if (rememberedCall(key) === event.data) rememberCall(key, '');
    lost(event.data);
  };
  return {
    claim: (call) => channel.postMessage(call),
    close: () => channel.close(),
  };
}
