import { batch, effect, signal } from '@preact/signals';
import { type MicrophoneProblem, openMicrophone } from '../../../shared/audio/microphone';
import { gainOf } from '../media/slots';
import { type LegState, VoiceLeg } from '../media/voice-leg';
import type { CallView, MediaAnswer, SlotView } from '../protocol/types';
import { readDevices } from './devices';
import { microphoneId, speakerId } from './prefs';
import { desk } from './store';
import { audioLock, tabId, tellTabs, tryLock } from './tabs';

// The audio of the call in this tab: at most one VoiceLeg, the lock that says so to other tabs, and the mark by which a
// reloaded page knows that it had the audio. calls.ts decides when; this module does.

export type MicrophoneState = 'none' | 'asking' | 'on' | MicrophoneProblem | 'ended';

export const audioCall = signal(''); // the call whose audio is in this tab, "" for none
export const audioState = signal<LegState | 'none'>('none');
export const audioBlocked = signal(false); // the browser wants a click first
export const microphone = signal<MicrophoneState>('none');
export const muted = signal(false);
export const wishedGains = signal<Readonly<Record<string, number>>>({}); // not yet confirmed by the server
export const speaking = signal<ReadonlySet<string>>(new Set());

const markKey = 'ramal.audio';
const speakingEveryMs = 150;

let leg: VoiceLeg | null = null;
let slots: SlotView[] = [];
let early: { call: string; slots: SlotView[] } | null = null; // slots that overtook the answer
let freeLock: (() => void) | null = null;
let closedByServer = false;
let speakingTimer: ReturnType<typeof setInterval> | undefined;

/** markedCall is the call whose audio this tab had before a reload. */
export function markedCall(): string {
  return sessionStorage.getItem(markKey) ?? '';
}

export function unmark(): void {
  sessionStorage.removeItem(markKey);
}

/** goodbye says that the server itself ended the connection of this tab's leg. */
export function goodbye(): boolean {
  return closedByServer;
}

/** openLeg makes a fresh leg in place of the old one, and asks for the microphone beside it. */
export function openLeg(onState: () => void): VoiceLeg {
  closeLeg();
  const fresh = new VoiceLeg({
    onState: (state) => {
      if (leg !== fresh) return;
      audioState.value = closedByServer ? 'closed' : state;
      onState();
    },
    onPlaying: (running) => {
      if (leg === fresh) audioBlocked.value = !running;
    },
    onClosedByServer: () => {
      if (leg !== fresh) return;
      closedByServer = true;
      audioState.value = 'closed';
      onState();
    },
    onMicrophoneEnded: () => {
      if (leg !== fresh) return;
      microphone.value = 'ended';
      void takeMicrophone();
    },
  });
  leg = fresh;
  early = null;
  audioState.value = 'connecting';
  fresh.setMuted(muted.peek());
  void fresh.setSpeaker(speakerId.peek());
  void takeMicrophone();
  return fresh;
}

export function isCurrent(candidate: VoiceLeg): boolean {
  return leg === candidate;
}

/** completeLeg takes the server's answer: from here on the audio of the call is in this tab, until onStolen. */
export async function completeLeg(fresh: VoiceLeg, answer: MediaAnswer, onStolen: () => void): Promise<void> {
  const free = await tryLock(audioLock(), true, () => {
    if (leg === fresh) onStolen();
  });
  if (leg !== fresh) {
    free?.();
    return;
  }
  freeLock?.();
  freeLock = free;
  sessionStorage.setItem(markKey, answer.call_id);
  tellTabs({ type: 'audio_taken', tab: tabId, call: answer.call_id });
  slots = early?.call === answer.call_id ? early.slots : (answer.slots ?? []);
  audioCall.value = answer.call_id;
  await fresh.answer(answer.sdp, slots);
  if (leg !== fresh) return;
  applyGains();
  clearInterval(speakingTimer);
  speakingTimer = setInterval(pollSpeaking, speakingEveryMs);
}

/** closeLeg ends the audio in this tab. The mark stays until unmark(): a reload is no end. */
export function closeLeg(): void {
  clearInterval(speakingTimer);
  leg?.close();
  leg = null;
  slots = [];
  early = null;
  closedByServer = false;
  freeLock?.();
  freeLock = null;
  batch(() => {
    audioCall.value = '';
    audioState.value = 'none';
    audioBlocked.value = false;
    microphone.value = 'none';
    wishedGains.value = {};
    speaking.value = new Set();
  });
}

export function setSlots(call: string, next: SlotView[]): void {
  if (audioCall.peek() === call) {
    slots = next;
    leg?.setSlots(next);
  } else if (leg) early = { call, slots: next };
}

/** unheard says whether somebody is connected for whom no track is known: then slots were missed. */
export function unheard(call: CallView): boolean {
  if (audioCall.peek() !== call.call_id) return false;
  const known = new Set(slots.map((slot) => slot.leg_id));
  return (call.participants ?? []).some(
    (person) => person.state === 'connected' && person.leg_id !== call.my_leg_id && !known.has(person.leg_id),
  );
}

/** takeMicrophone opens the chosen microphone and sends it; the reason for a failure is in `microphone`. */
export async function takeMicrophone(): Promise<void> {
  const target = leg;
  if (!target) return;
  if (!target.hasMicrophone) microphone.value = 'asking';
  const result = await openMicrophone(microphoneId.peek());
  if (leg !== target) {
    result.track?.stop();
    return;
  }
  await target.setMicrophone(result.track ?? null);
  microphone.value = result.problem ?? 'on';
  void readDevices(); // names are visible now
}

export function muteLeg(next: boolean): void {
  muted.value = next;
  leg?.setMuted(next);
}

export function resumeAudio(): void {
  void leg?.resume();
}

export function applyGains(): void {
  const wished = wishedGains.peek();
  const stored = desk.peek().call?.gains;
  leg?.setGains((id) => gainOf(id, wished, stored));
}

function pollSpeaking(): void {
  const now = leg?.speaking() ?? [];
  const before = speaking.peek();
  if (now.length === before.size && now.every((id) => before.has(id))) return;
  speaking.value = new Set(now);
}

/** watchAudio follows the chosen devices and the server's volumes until the returned function is called. */
export function watchAudio(): () => void {
  let first = true;
  const devices = effect(() => {
    const speaker = speakerId.value;
    void leg?.setSpeaker(speaker);
  });
  const input = effect(() => {
    const chosen = microphoneId.value;
    if (!first && chosen !== undefined) void takeMicrophone();
    first = false;
  });
  const gains = effect(() => {
    const wished = wishedGains.value;
    const stored = desk.value.call?.gains;
    leg?.setGains((id) => gainOf(id, wished, stored));
  });
  return () => {
    devices();
    input();
    gains();
  };
}
