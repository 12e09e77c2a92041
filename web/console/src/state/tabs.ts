import { effect, type Signal, signal } from '@preact/signals';
import { agentId } from './store';

// The tabs of one agent in one browser. Web Locks choose which of them rings and which notifies, and tell which one has
// the audio; a BroadcastChannel carries what cannot wait for the server. Another browser or device knows of none of it.

export type TabMessage =
  | { type: 'audio_taken'; tab: string; call: string } // that tab has the call's audio now
  | { type: 'offer_handled'; offer: string }; // accepted or declined there: silence it here at once

/** tabId names this page load, for other tabs only. */
export const tabId = crypto.randomUUID?.() ?? String(Math.random());

let channel: BroadcastChannel | null = null;
const receivers = new Set<(message: TabMessage) => void>();

export function onTabMessage(receive: (message: TabMessage) => void): () => void {
  receivers.add(receive);
  return () => {
    receivers.delete(receive);
  };
}

export function tellTabs(message: TabMessage): void {
  channel?.postMessage(message);
}

/** A Turn is a place in the queue for a lock: `mine` becomes true when this tab holds it. give() hands it on. */
export interface Turn {
  mine: Signal<boolean>;
  give: () => void;
}

/** queueFor waits for a lock; without Web Locks (an insecure address) each tab is alone and holds it. */
export function queueFor(name: string): Turn {
  const mine = signal<boolean>(false);
  if (!navigator.locks) {
    mine.value = true;
    return {
      mine,
      give() {
        mine.value = false;
      },
    };
  }
  const abort = new AbortController();
  let release: () => void = () => undefined;
  navigator.locks
    .request(name, { signal: abort.signal }, () => {
      mine.value = true;
      return new Promise<void>((resolve) => {
        release = resolve;
      });
    })
    .catch(() => undefined); // aborted while waiting
  return {
    mine,
    give() {
      mine.value = false;
      abort.abort();
      release();
    },
  };
}

/**
 * tryLock takes a lock that is free at this moment; null when another tab has it. The returned function frees it. With
 * `steal` it is taken from whoever has it, whose onStolen is called.
 */
export function tryLock(name: string, steal = false, onStolen?: () => void): Promise<(() => void) | null> {
  if (!navigator.locks) return Promise.resolve(() => undefined);
  return new Promise((resolve) => {
    const options: LockOptions = steal ? { steal: true } : { ifAvailable: true };
    navigator.locks
      .request(name, options, (lock) => {
        if (!lock) {
          resolve(null);
          return;
        }
        return new Promise<void>((release) => resolve(() => release()));
      })
      .catch(() => onStolen?.()); // another tab took it
  });
}

/** otherTabs counts the agent's other tabs in this browser that are alive; without Web Locks nobody knows, so one may be. */
export async function otherTabs(): Promise<number> {
  if (!navigator.locks) return 1;
  const { held } = await navigator.locks.query();
  return othersAmong(
    (held ?? []).map((lock) => lock.name ?? ''),
    aliveLock(''),
    tabId,
  );
}

/** othersAmong counts the names of `alive` locks that are not mine. Pure. */
export function othersAmong(names: readonly string[], prefix: string, mine: string): number {
  return names.filter((name) => name.startsWith(prefix) && name !== prefix + mine).length;
}

const aliveLock = (tab: string) => `ramal.tab.${agentId.peek()}.${tab}`;

export const audioLock = () => `ramal.audio.${agentId.peek()}`;

/** audioPossible is true after the user's first gesture on this page: only such a tab is able to ring. */
export const audioPossible = signal<boolean>(navigator.userActivation?.hasBeenActive ?? false);

export const rings = signal(false); // this tab is the one that rings
export const notifies = signal(false); // this tab is the one that shows system notifications

/** joinTabs opens the channel of this agent's tabs and queues for the turns, until the returned function is called. */
export function joinTabs(): () => void {
  const gesture = () => {
    audioPossible.value = true;
  };
  window.addEventListener('pointerdown', gesture, true);
  window.addEventListener('keydown', gesture, true);
  const stop = effect(() => {
    const id = agentId.value;
    if (!id) return;
    channel = new BroadcastChannel(`ramal.${id}`);
    channel.onmessage = (ev: MessageEvent<TabMessage>) => {
      for (const receive of [...receivers]) receive(ev.data);
    };
    const alive = queueFor(aliveLock(tabId));
    const notifying = queueFor(`ramal.notify.${id}`);
    const watchNotifying = effect(() => {
      notifies.value = notifying.mine.value;
    });
    const watchRinging = queueWhenAble(`ramal.ring.${id}`);
    return () => {
      channel?.close();
      channel = null;
      watchNotifying();
      watchRinging();
      notifying.give();
      alive.give();
      rings.value = false;
      notifies.value = false;
    };
  });
  return () => {
    window.removeEventListener('pointerdown', gesture, true);
    window.removeEventListener('keydown', gesture, true);
    stop();
  };
}

function queueWhenAble(name: string): () => void {
  let turn: Turn | null = null;
  const stop = effect(() => {
    if (audioPossible.value && !turn) turn = queueFor(name);
    rings.value = turn?.mine.value ?? false;
  });
  return () => {
    stop();
    turn?.give();
  };
}
