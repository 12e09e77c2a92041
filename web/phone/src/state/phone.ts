import { batch, computed, effect, signal } from '@preact/signals';
import { Bridge } from '../audio/bridge';
import { createSounder } from '../audio/sounder';
import { type Api, createApi, Failure } from '../protocol/api';
import { type Connection, openStream, type Stream } from '../protocol/stream';
import type { Answer, Call, Chat, PermissionAction, State } from '../protocol/types';
import { endedShownMs, isLive, liveAudio, type Seen, shownCall, soundOf } from './calls';
import { setClock, startClock } from './clock';
import { listen, reading } from './page';
import { parseRoute, type Route, resolveRoute, routeHash } from './route';
import { type Claims, claimAudio, rememberCall, rememberedCall } from './tabs';

export interface Notice {
  id: number;
  failure: Failure;
}

const noticeMs = 8_000;

/**
 * Phone is the phone of one customer: what the server last said, what this page adds to it (place, closed screens,
 * notices), and the actions. It owns the stream, the sounds and the audio bridge; close() ends all of them.
 */
export class Phone {
  readonly state = signal<State | undefined>(undefined);
  readonly connection = signal<Connection>('connecting');
  readonly notice = signal<Notice | undefined>(undefined);
  readonly closedChat = signal(''); // business whose hours are explained
  readonly openList = signal(''); // list message whose rows are up
  readonly minimized = signal(false); // the screen of the call is put away
  readonly placing = signal(''); // business being called, before the server has answered
  private readonly hash = signal(location.hash);
  private readonly visible = signal(document.visibilityState === 'visible');
  private readonly seen = signal<Seen>({ live: new Set(), dismissed: new Set() });

  readonly chats = computed(() => this.state.value?.chats ?? []);
  readonly calls = computed(() => this.state.value?.calls ?? []);
  readonly route = computed<Route>(() => resolveRoute(parseRoute(this.hash.value), this.chats.value));
  readonly chat = computed(() => this.chats.value.find((entry) => entry.pnid === this.route.value.pnid));
  readonly call = computed(() => shownCall(this.calls.value, this.seen.value));
  readonly unread = computed(() => this.chats.value.reduce((sum, entry) => sum + entry.unread, 0));

  readonly sounder = createSounder();
  readonly bridge: Bridge;
  private readonly api: Api;
  private readonly claims: Claims;
  private readonly stream: Stream;
  private readonly stops: (() => void)[];
  private readonly timers = new Set<ReturnType<typeof setTimeout>>();

  constructor(
    readonly key: string,
    ear: HTMLAudioElement,
  ) {
    this.api = createApi(key);
    this.bridge = new Bridge(this.api.audio, ear);
    this.claims = claimAudio(key, (call) => {
      if (this.bridge.audio.peek().call === call) this.bridge.detach('elsewhere');
    });
    this.stream = openStream(key, {
      state: (state) => this.take(state),
      connection: (value) => {
        this.connection.value = value;
      },
    });
    this.stops = [this.listen(), this.reading(), startClock()];
  }

  close(): void {
    this.stream.close();
    for (const stop of this.stops) stop();
    this.claims.close();
    this.sounder.close();
    this.bridge.detach();
    for (const timer of this.timers) clearTimeout(timer);
  }

  /** retry connects now instead of when the wait is over. */
  retry(): void {
    this.stream.retry();
  }

  go(next: Route): void {
    location.hash = routeHash(next);
  }

  /** dismiss closes the screen of an ended call. */
  dismiss(id: string): void {
    const { live, dismissed } = this.seen.peek();
    this.seen.value = { live, dismissed: new Set([...dismissed, id]) };
  }

  /** takeAudio makes this page the microphone and ear of a call. */
  takeAudio(id: string): void {
    rememberCall(this.key, id);
    this.claims.claim(id);
    this.bridge.attach(id);
  }

  sendText(chat: Chat, text: string): Promise<boolean> {
    return this.run(this.api.sendText(chat.pnid, text));
  }

  answer(message: string, answer: Answer): Promise<boolean> {
    return this.run(this.api.answer(message, answer));
  }

  press(message: string, option: string): Promise<boolean> {
    return this.run(this.api.press(message, option));
  }

  permission(chat: Chat, action: PermissionAction): Promise<boolean> {
    return this.run(this.api.permission(chat.pnid, action));
  }

  callBusiness(pnid: string, payload = ''): Promise<void> {
    return this.place(pnid, () => this.api.call(pnid, payload));
  }

  pressCall(pnid: string, message: string): Promise<void> {
    return this.place(pnid, () => this.api.callButton(message));
  }

  async accept(call: Call): Promise<void> {
    void this.sounder.unlock();
    this.takeAudio(call.id);
    if (!(await this.run(this.api.accept(call.id)))) this.dropAudio(call.id);
  }

  decline(call: Call): Promise<boolean> {
    return this.run(this.api.decline(call.id));
  }

  hangup(call: Call): Promise<boolean> {
    return this.run(this.api.hangup(call.id));
  }

  mute(call: Call, muted: boolean): Promise<boolean> {
    return this.run(this.api.mute(call.id, muted));
  }

  dtmf(call: Call, digit: string): Promise<boolean> {
    this.sounder.key(digit);
    return this.run(this.api.dtmf(call.id, digit));
  }

  // run waits for an action and shows why it failed; true when it was done.
  private async run(action: Promise<unknown>): Promise<boolean> {
    try {
      await action;
      return true;
    } catch (err) {
      this.fail(err);
      return false;
    }
  }

  private fail(err: unknown): void {
    const failure = err instanceof Failure ? err : new Failure('internal', '', String(err));
    const id = (this.notice.peek()?.id ?? 0) + 1;
    this.notice.value = { id, failure };
    this.later(noticeMs, () => {
      if (this.notice.peek()?.id === id) this.notice.value = undefined;
    });
  }

  private later(ms: number, run: () => void): void {
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      run();
    }, ms);
    this.timers.add(timer);
  }

  private async place(pnid: string, start: () => Promise<{ call_id: string }>): Promise<void> {
    if (this.placing.peek()) return;
    this.notice.value = undefined;
    const target = this.chats.peek().find((entry) => entry.pnid === pnid);
    if (target && !target.access.open) {
      this.closedChat.value = pnid;
      return;
    }
    void this.sounder.unlock();
    this.placing.value = pnid;
    this.minimized.value = false;
    try {
      this.takeAudio((await start()).call_id);
    } catch (err) {
      if (err instanceof Failure && err.reason === 'closed') this.closedChat.value = pnid;
      else this.fail(err);
    } finally {
      this.placing.value = '';
    }
  }

  private dropAudio(id: string): void {
    if (rememberedCall(this.key) === id) rememberCall(this.key, '');
    if (this.bridge.audio.peek().call === id) this.bridge.detach();
  }

  private take(next: State): void {
    setClock(next.now);
    const before = this.state.peek();
    const { live, dismissed } = this.seen.peek();
    const lives = next.calls.filter(isLive).map((entry) => entry.id);
    batch(() => {
      this.state.value = next;
      if (lives.every((id) => live.has(id))) return;
      this.seen.value = { live: new Set([...live, ...lives]), dismissed };
      this.minimized.value = false;
    });
    this.sounder.set(soundOf(next.calls));
    if (before) this.followEnds(before, next);
    else this.resume(next);
  }

  // resume gives a reloaded page the audio of its call again.
  private resume(state: State): void {
    const own = rememberedCall(this.key);
    if (liveAudio(state.calls, own)) this.takeAudio(own);
    else if (own) rememberCall(this.key, '');
  }

  // followEnds does what the end of a call asks for: its audio goes, its screen a little later.
  private followEnds(before: State, next: State): void {
    for (const was of before.calls.filter(isLive)) {
      const entry = next.calls.find((call) => call.id === was.id);
      if (entry && isLive(entry)) continue;
      this.dropAudio(was.id); // also when the simulator forgot it, as after a restart
      if (!entry) continue;
      const { direction, outcome } = entry;
      if (direction === 'outgoing' && outcome !== 'completed' && outcome !== 'cancelled') this.sounder.ended();
      this.later(endedShownMs, () => this.dismiss(entry.id));
    }
  }

  private listen(): () => void {
    const unlock = () => void this.sounder.unlock();
    return listen({
      hashchange: () => {
        this.hash.value = location.hash;
      },
      online: () => this.stream.retry(),
      visibilitychange: () => {
        this.visible.value = document.visibilityState === 'visible';
        if (this.visible.peek()) this.stream.retry();
      },
      pointerdown: unlock,
      keydown: unlock,
    });
  }

  private reading(): () => void {
    const looked = computed(() => {
      const covered = this.call.value !== undefined && !this.minimized.value;
      const onScreen = this.visible.value && !covered && this.route.value.screen === 'chat';
      return onScreen ? this.chat.value : undefined;
    });
    return effect(reading(looked, (pnid) => this.api.read(pnid)));
  }
}
