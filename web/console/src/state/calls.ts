import { computed, effect, signal } from '@preact/signals';
import { asFailure, Failure } from '../protocol/failure';
import type { CallView, ContactView, MediaAnswer, OfferView, PushFrame, SlotView } from '../protocol/types';
import * as audio from './audio';
import { isOver, myLeg, otherAgents } from './desk';
import { agent, desk, dismissCall, endedCall, listen, liveCall, online, request, rest, showEnded } from './store';
import { audioLock, onTabMessage, otherTabs, tabId, tellTabs, tryLock } from './tabs';
import { type Repair, repair } from './takeover';
import { sayFailure } from './toasts';
import { confirmVolumes } from './volumes';

// What the agent does with calls. The server's CallView is the truth; what is here is only what is on its way there and
// when this tab takes, repairs or gives up the audio.

export interface Starting {
  kind: 'dial' | 'accept' | 'attach';
  contact: ContactView | null;
  offer: string;
}

export const starting = signal<Starting | null>(null);
export const handled = signal<ReadonlySet<string>>(new Set()); // offers answered in some tab of this browser
export const ending = signal<{ call: string; how: 'call.leave' | 'call.end' } | null>(null);
export const attachFailure = signal<Failure | null>(null);

/** elsewhere: the call goes on, and its audio is in another tab or on another device. */
export const elsewhere = computed(() => {
  const call = liveCall.value;
  return call !== null && starting.value === null && audio.audioCall.value !== call.call_id;
});

const endedForMs = 8_000;
const repairAfterMs = 1_500;
const adoptAfterMs = 3_000;
const adoptFromDeviceAfterMs = 10_000; // another device repairs its own connection sooner
const announcedForMs = 15_000;

/** orphaned: nobody has the audio of the call at this moment; whoever had it is gone or is coming back. */
export const orphaned = computed(
  () => elsewhere.value && liveCall.value !== null && myLeg(liveCall.value, agent.value?.id)?.state === 'reconnecting',
);

/** mutedNow is this agent's microphone in the call: as switched here, or by the server where the audio is elsewhere. */
export const mutedNow = computed(() => {
  const call = liveCall.value;
  if (!call || starting.value || audio.audioCall.value === call.call_id) return audio.muted.value;
  return myLeg(call, agent.value?.id)?.muted ?? false;
});

async function start(what: Starting, send: (sdp: string) => Promise<MediaAnswer>): Promise<void> {
  if (starting.peek()) return;
  starting.value = what;
  const leg = audio.openLeg(reconcileSoon);
  try {
    const answer = await send(await leg.offer());
    if (audio.isCurrent(leg)) await audio.completeLeg(leg, answer, () => yieldTo('tab'));
  } catch (err) {
    if (audio.isCurrent(leg)) audio.closeLeg();
    throw err;
  } finally {
    starting.value = null;
    reconcile();
  }
}

/** dial calls a contact. */
export async function dial(contact: ContactView, line: string): Promise<void> {
  if (liveCall.peek()) return sayFailure(new Failure({ kind: 'conflict', code: 'agent_busy' }));
  audio.muteLeg(false);
  try {
    await start({ kind: 'dial', contact, offer: '' }, (sdp) =>
      request('call.dial', { contact_id: contact.id, line_id: line, sdp }),
    );
  } catch (err) {
    sayFailure(err);
  }
}

/** accept answers a modal. Other tabs fall silent at once, and ring again if it fails. */
export async function accept(offer: OfferView): Promise<void> {
  audio.muteLeg(false);
  markHandled(offer.offer_id);
  tellTabs({ type: 'offer_handled', offer: offer.offer_id });
  try {
    await start({ kind: 'accept', contact: offer.contact, offer: offer.offer_id }, (sdp) =>
      request('offer.accept', { offer_id: offer.offer_id, call_id: offer.call_id, sdp }),
    );
  } catch (err) {
    unmarkHandled(offer.offer_id);
    sayFailure(err);
  }
}

export async function decline(offer: OfferView): Promise<void> {
  markHandled(offer.offer_id);
  tellTabs({ type: 'offer_handled', offer: offer.offer_id });
  try {
    await request('offer.decline', { offer_id: offer.offer_id, call_id: offer.call_id });
  } catch (err) {
    if (asFailure(err).code === 'offer_closed') return; // it was over already
    unmarkHandled(offer.offer_id);
    sayFailure(err);
  }
}

function markHandled(offer: string): void {
  handled.value = new Set(handled.peek()).add(offer);
}

function unmarkHandled(offer: string): void {
  const next = new Set(handled.peek());
  next.delete(offer);
  handled.value = next;
}

/** attach brings the call's audio into this tab. */
export async function attach(call: CallView): Promise<void> {
  attachFailure.value = null;
  yielded = null;
  const mine = myLeg(call, agent.peek()?.id);
  audio.muteLeg(mine?.muted ?? false);
  try {
    await start({ kind: 'attach', contact: call.contact, offer: '' }, (sdp) =>
      request('call.attach', { call_id: call.call_id, sdp }),
    );
  } catch (err) {
    attachFailure.value = asFailure(err);
  }
}

/** hangUp leaves the call or ends it for all. The audio stops now; the wish is sent again after a break. */
export async function hangUp(how: 'call.leave' | 'call.end'): Promise<void> {
  const call = liveCall.peek();
  if (!call) return;
  ending.value = { call: call.call_id, how };
  audio.closeLeg();
  audio.unmark();
  await sendEnding();
}

async function sendEnding(): Promise<void> {
  const wish = ending.peek();
  if (!wish) return;
  try {
    await request(wish.how, { call_id: wish.call });
  } catch (err) {
    const failure = asFailure(err);
    if (failure.kind === 'unavailable' || failure.kind === 'unknown') return; // again after the next snapshot
    ending.value = null;
    if (failure.code !== 'call_ended' && failure.code !== 'not_in_call') sayFailure(failure);
  }
}

/** toggleMute switches the microphone here at once and tells the server. */
export async function toggleMute(): Promise<void> {
  const call = liveCall.peek();
  if (!call) return;
  const next = !mutedNow.peek();
  audio.muteLeg(next);
  await sendMute(call.call_id, next);
}

async function sendMute(call: string, muted: boolean): Promise<void> {
  try {
    await request('call.mute', { call_id: call, muted });
  } catch (err) {
    const failure = asFailure(err);
    if (failure.kind !== 'unavailable' && failure.kind !== 'unknown') sayFailure(failure);
  }
}

export async function invite(call: string, colleague: string, note: string): Promise<boolean> {
  try {
    await request('call.invite', { call_id: call, agent_id: colleague, note: note.trim() || undefined });
    return true;
  } catch (err) {
    sayFailure(err);
    return false;
  }
}

export async function cancelInvite(call: string, colleague: string): Promise<void> {
  try {
    await request('call.cancel_invite', { call_id: call, agent_id: colleague });
  } catch (err) {
    sayFailure(err);
  }
}

/** hangUpWay: the last agent ends the call for all, others may leave it. */
export const alone = computed(() => (liveCall.value ? otherAgents(liveCall.value) === 0 : true));

let reconcileTimer: ReturnType<typeof setTimeout> | undefined;
let looking = false; // a look at the locks is under way

function reconcileSoon(): void {
  reconcileIn(0);
}

function reconcileIn(ms: number): void {
  clearTimeout(reconcileTimer);
  reconcileTimer = setTimeout(reconcile, ms);
}

let brokenSince = 0;
let announcedAt = 0; // when the server last called our leg missed although its connection here was well
let yielded: { call: string; to: 'tab' | 'device' } | null = null; // who took this call's audio from here

/** reconcile brings this tab's audio in line with the server's view: take, repair, give up, or leave alone. */
function reconcile(): void {
  if (starting.peek()) return;
  const call = liveCall.peek();
  const here = audio.audioCall.peek();
  if (!call) {
    if (here && desk.peek().call?.call_id === here) drop();
    return;
  }
  if (ending.peek()?.call === call.call_id) return;
  if (here && here !== call.call_id) drop();
  if (here === call.call_id) return keep(call);
  brokenSince = 0;
  void adopt(call);
}

function drop(): void {
  audio.closeLeg();
  audio.unmark();
  brokenSince = 0;
  announcedAt = 0;
}

/** yieldTo gives the audio up to another tab or device that has taken it, and remembers that, so as not to fight. */
function yieldTo(to: 'tab' | 'device'): void {
  const call = audio.audioCall.peek();
  if (!call) return;
  drop();
  yielded = { call, to };
}

/** keep repairs a broken connection when the server misses us, and gives up when somebody else has taken our place. */
function keep(call: CallView): void {
  const state = audio.audioState.peek();
  if (state !== 'disconnected' && state !== 'failed' && state !== 'closed') {
    brokenSince = 0;
    return;
  }
  const now = Date.now();
  if (!brokenSince) brokenSince = now;
  const next: Repair = repair({
    online: online.peek(),
    missed: myLeg(call, agent.peek()?.id)?.state === 'reconnecting',
    goodbye: audio.goodbye(),
    announced: now - announcedAt < announcedForMs,
    gone: state !== 'disconnected',
    brokenMs: now - brokenSince,
  });
  if (next === 'wait') return reconcileIn(500);
  if (next === 'yield') return yieldTo('device');
  brokenSince = 0;
  void attach(call);
}

/**
 * adopt takes the audio of a call that this tab had before a reload, or that nobody has any more when this is the
 * agent's only tab here. What another device took, it leaves to that one for long enough to repair its connection.
 */
async function adopt(call: CallView): Promise<void> {
  if (looking || attachFailure.peek() || !online.peek()) return;
  const marked = audio.markedCall() === call.call_id;
  const lost = myLeg(call, agent.peek()?.id)?.state === 'reconnecting';
  const gaveUp = yielded?.call === call.call_id ? yielded.to : '';
  if (!marked && !lost) return;
  looking = true;
  try {
    const free = await freeForUs(marked ? 0 : gaveUp === 'device' ? adoptFromDeviceAfterMs : adoptAfterMs);
    const now = liveCall.peek();
    if (!free) {
      if (marked) audio.unmark(); // a copy of this tab has the audio
      return;
    }
    if (now?.call_id !== call.call_id || starting.peek() || ending.peek()?.call === call.call_id) return;
    if (!marked && (await otherTabs()) > 0) return; // the card offers it in each of them
    if (marked || myLeg(now, agent.peek()?.id)?.state === 'reconnecting') await attach(now);
  } finally {
    looking = false;
    if (orphaned.peek() && !marked) reconcileIn(adoptAfterMs); // another tab may close without a word
  }
}

/** freeForUs looks a few times whether no other tab holds the audio: a page that was just reloaded frees it late. */
async function freeForUs(waitMs: number): Promise<boolean> {
  await new Promise((resolve) => setTimeout(resolve, waitMs));
  for (let attempt = 0; attempt < 6; attempt++) {
    const release = await tryLock(audioLock());
    if (release) {
      release();
      return true;
    }
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  return false;
}

function afterReset(before: CallView | null): void {
  const now = liveCall.peek();
  const wish = ending.peek();
  if (wish && now?.call_id === wish.call) void sendEnding();
  else if (wish) ending.value = null;
  const here = audio.audioCall.peek();
  if (here && now?.call_id !== here && !starting.peek()) drop();
  if (before && !isOver(before) && now?.call_id !== before.call_id) void tellEnd(before.call_id);
  if (now && here === now.call_id) {
    const mine = myLeg(now, agent.peek()?.id);
    if (mine && mine.muted !== audio.muted.peek()) void sendMute(now.call_id, audio.muted.peek());
    setTimeout(() => {
      const later = liveCall.peek();
      if (later?.call_id === here && audio.unheard(later) && !starting.peek()) void attach(later);
    }, repairAfterMs);
  }
  attachFailure.value = null;
  reconcile();
}

/** tellEnd shows how a call ended that ended while we were cut off. */
async function tellEnd(id: string): Promise<void> {
  try {
    const call = await rest.call(id);
    if (call.state === 'ended') showEnded(call);
  } catch {
    // its history says it later
  }
}

/** noteTaking remembers the moment at which another session of mine begins to take this tab's audio. */
function noteTaking(call: CallView): void {
  if (audio.audioCall.peek() !== call.call_id || audio.audioState.peek() !== 'connected') return;
  if (myLeg(call, agent.peek()?.id)?.state === 'reconnecting') announcedAt = Date.now();
}

function onEvent(frame: PushFrame): void {
  if (frame.type === 'call.slots') {
    const data = frame.data as { call_id: string; slots: SlotView[] | null };
    audio.setSlots(data.call_id, data.slots ?? []);
  }
  if (frame.type !== 'call.updated') return;
  const call = frame.data as CallView;
  confirmVolumes(call);
  noteTaking(call);
}

/** watchCalls runs the rules above until the returned function is called. */
export function watchCalls(): () => void {
  const stops = [
    audio.watchAudio(),
    listen({ event: onEvent, reset: (_snapshot, before) => queueMicrotask(() => afterReset(before.call)) }),
    onTabMessage((message) => {
      if (message.type === 'offer_handled') markHandled(message.offer);
      if (message.type === 'audio_taken' && message.tab !== tabId) yieldTo('tab');
    }),
    effect(() => {
      // what is read here is what reconcile depends on
      const call = liveCall.value;
      if (call !== undefined && online.value !== undefined) queueMicrotask(reconcile);
    }),
    effect(() => {
      const call = endedCall.value;
      if (!call) return;
      if (ending.peek()?.call === call.call_id) ending.value = null;
      const timer = setTimeout(() => dismissCall(call.call_id), endedForMs);
      return () => clearTimeout(timer);
    }),
  ];
  return () => {
    for (const stop of stops) stop();
    clearTimeout(reconcileTimer);
    drop();
  };
}
