import { batch, computed, effect, signal } from '@preact/signals';
import { type Bridge, createBridge } from '../audio/bridge';
import { createSounder } from '../audio/sounder';
import { type Api, createApi, Failure } from '../protocol/api';
import { type Connection, openStream } from '../protocol/stream';
import type { Answer, Call, Chat, PermissionAction, State } from '../protocol/types';
import { endedShownMs, isLive, liveAudio, type Seen, shownCall, soundOf } from './calls';
import { setClock, startClock } from './clock';
import { parseRoute, type Route, resolveRoute, routeHash } from './route';
import { claimAudio, rememberCall, rememberedCall } from './tabs';

// The phone of one customer: what the server last said, what this page adds to it (place, closed screens, notices), and
// the actions. It owns the stream, the sounds and the audio bridge; close() ends all of them.

export interface Notice {
  id: number;
  failure: Failure;
}

export type Phone = ReturnType<typeof createPhone>;

const noticeMs = 8_000;

export function createPhone(key: string, ear: HTMLAudioElement) {
  const api = createApi(key);
  const state = signal<State | undefined>(undefined);
  const connection = signal<Connection>('connecting');
  const hash = signal(location.hash);
  const seen = signal<Seen>({ live: new Set(), dismissed: new Set() });
  const notice = signal<Notice | undefined>(undefined);
  const closedChat = signal('');
  const openList = signal(''); // list message whose rows are up
  const minimized = signal(false);
  const placing = signal(''); // business being called, before the server has answered
  const visible = signal(document.visibilityState === 'visible');

  const sounder = createSounder();
  const bridge = createBridge(api.audio, ear);
  const claims = claimAudio(key, (call) => {
    if (bridge.audio.peek().call === call) bridge.detach('elsewhere');
  });

  const chats = computed(() => state.value?.chats ?? []);
  const calls = computed(() => state.value?.calls ?? []);
  const route = computed<Route>(() => resolveRoute(parseRoute(hash.value), chats.value));
  const chat = computed(() => chats.value.find((entry) => entry.pnid === route.value.pnid));
  const call = computed(() => shownCall(calls.value, seen.value));
  const unread = computed(() => chats.value.reduce((sum, entry) => sum + entry.unread, 0));

  const timers = new Set<ReturnType<typeof setTimeout>>();
  const later = (ms: number, run: () => void) => {
    const timer = setTimeout(() => {
      timers.delete(timer);
      run();
    }, ms);
    timers.add(timer);
  };

  const fail = (err: unknown) => {
    const failure = err instanceof Failure ? err : new Failure('internal', '', String(err));
    const id = (notice.peek()?.id ?? 0) + 1;
    notice.value = { id, failure };
    later(noticeMs, () => {
      if (notice.peek()?.id === id) notice.value = undefined;
    });
  };

  /** run does an action and shows why it failed; true when it was done. */
  const run = async (action: () => Promise<unknown>): Promise<boolean> => {
    try {
      await action();
      return true;
    } catch (err) {
      fail(err);
      return false;
    }
  };

  const dismiss = (id: string) => {
    seen.value = { live: seen.peek().live, dismissed: new Set([...seen.peek().dismissed, id]) };
  };

  /** takeAudio makes this page the microphone and ear of a call. */
  const takeAudio = (id: string) => {
    rememberCall(key, id);
    claims.claim(id);
    bridge.attach(id);
  };

  const dropAudio = (id: string) => {
    if (rememberedCall(key) === id) rememberCall(key, '');
    if (bridge.audio.peek().call === id) bridge.detach();
  };

  const place = async (pnid: string, start: () => Promise<{ call_id: string }>) => {
    if (placing.peek()) return;
    const target = chats.peek().find((entry) => entry.pnid === pnid);
    if (target && !target.access.open) {
      closedChat.value = pnid;
      return;
    }
    void sounder.unlock();
    placing.value = pnid;
    minimized.value = false;
    try {
      takeAudio((await start()).call_id);
    } catch (err) {
      if (err instanceof Failure && err.reason === 'closed') closedChat.value = pnid;
      else fail(err);
    } finally {
      placing.value = '';
    }
  };

  const take = (next: State) => {
    setClock(next.now);
    const before = state.peek();
    batch(() => {
      state.value = next;
      const live = next.calls.filter(isLive).map((entry) => entry.id);
      if (live.some((id) => !seen.peek().live.has(id))) {
        seen.value = { live: new Set([...seen.peek().live, ...live]), dismissed: seen.peek().dismissed };
        minimized.value = false;
      }
    });
    follow(before, next);
  };

  // follow does what a change of the calls asks for beyond drawing: sounds, audio, closing the screen of an ended call.
  const follow = (before: State | undefined, next: State) => {
    sounder.set(soundOf(next.calls));
    for (const entry of next.calls) {
      if (isLive(entry)) continue;
      dropAudio(entry.id);
      const was = before?.calls.find((old) => old.id === entry.id);
      if (!was || !isLive(was)) continue;
      if (entry.direction === 'outgoing' && entry.outcome !== 'completed' && entry.outcome !== 'cancelled') {
        sounder.ended();
      }
      later(endedShownMs, () => dismiss(entry.id));
    }
    const own = rememberedCall(key);
    if (own && !before && liveAudio(next.calls, own)) takeAudio(own); // a reloaded page
    const attached = bridge.audio.peek().call;
    if (attached && before?.calls.some((old) => old.id === attached) && !next.calls.some((e) => e.id === attached)) {
      dropAudio(attached); // the simulator forgot it, as after a restart
    }
  };

  const stream = openStream(key, {
    state: take,
    connection: (value) => {
      connection.value = value;
    },
  });

  const stopReading = reading(api, { chat, visible, call, minimized, route });
  const stopListening = listen({
    hashchange: () => {
      hash.value = location.hash;
    },
    online: stream.retry,
    visibilitychange: () => {
      visible.value = document.visibilityState === 'visible';
      if (visible.peek()) stream.retry();
    },
    pointerdown: () => void sounder.unlock(),
    keydown: () => void sounder.unlock(),
  });
  const stopClock = startClock();

  return {
    key,
    state,
    connection,
    chats,
    calls,
    route,
    chat,
    call,
    unread,
    notice,
    closedChat,
    openList,
    minimized,
    placing,
    sounder,
    bridge: bridge as Bridge,
    retry: stream.retry,
    dismiss,
    takeAudio,
    go(next: Route) {
      location.hash = routeHash(next);
    },
    sendText: (target: Chat, text: string) => run(() => api.sendText(target.pnid, text)),
    answer: (message: string, answer: Answer) => run(() => api.answer(message, answer)),
    press: (message: string, option: string) => run(() => api.press(message, option)),
    permission: (target: Chat, action: PermissionAction) => run(() => api.permission(target.pnid, action)),
    callBusiness: (pnid: string, payload = '') => place(pnid, () => api.call(pnid, payload)),
    pressCall: (pnid: string, message: string) => place(pnid, () => api.callButton(message)),
    async accept(target: Call) {
      void sounder.unlock();
      takeAudio(target.id);
      if (!(await run(() => api.accept(target.id)))) dropAudio(target.id);
    },
    decline: (target: Call) => run(() => api.decline(target.id)),
    hangup: (target: Call) => run(() => api.hangup(target.id)),
    mute: (target: Call, muted: boolean) => run(() => api.mute(target.id, muted)),
    dtmf(target: Call, digit: string) {
      sounder.key(digit);
      return run(() => api.dtmf(target.id, digit));
    },
    close() {
      stream.close();
      stopReading();
      stopListening();
      stopClock();
      claims.close();
      sounder.close();
      bridge.detach();
      for (const timer of timers) clearTimeout(timer);
    },
  };
}

interface Reading {
  chat: { value: Chat | undefined };
  visible: { value: boolean };
  call: { value: Call | undefined };
  minimized: { value: boolean };
  route: { value: Route };
}

// reading tells the server that the open chat was read, once for each newest message.
function reading(api: Api, of: Reading): () => void {
  let told = '';
  return effect(() => {
    const chat = of.chat.value;
    const covered = of.call.value !== undefined && !of.minimized.value;
    if (!chat || chat.unread === 0 || !of.visible.value || covered || of.route.value.screen !== 'chat') return;
    const mark = `${chat.pnid} ${chat.messages.at(-1)?.id ?? ''}`;
    if (mark === told) return;
    told = mark;
    api.read(chat.pnid).catch(() => {
      told = ''; // said again with the next state
    });
  });
}

const ofDocument = new Set(['visibilitychange', 'pointerdown', 'keydown']);

function listen(handlers: Record<string, () => void>): () => void {
  const entries = Object.entries(handlers);
  const place = (name: string) => (ofDocument.has(name) ? document : window);
  for (const [name, handler] of entries) place(name).addEventListener(name, handler);
  return () => {
    for (const [name, handler] of entries) place(name).removeEventListener(name, handler);
  };
}
