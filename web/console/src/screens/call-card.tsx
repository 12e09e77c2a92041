import { signal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { clock, failureText, t, word } from '../i18n';
import type { CallView } from '../protocol/types';
import * as audio from '../state/audio';
import {
  alone,
  attach,
  attachFailure,
  elsewhere,
  ending,
  hangUp,
  mutedNow,
  orphaned,
  starting,
  toggleMute,
} from '../state/calls';
import { contactHref } from '../state/contacts';
import { isOver, myLeg, otherAgents, present } from '../state/desk';
import { nameOf } from '../state/ringing';
import { agentId, dismissCall, endedCall, liveCall } from '../state/store';
import { announce } from '../ui/announce';
import { Icon } from '../ui/icons';
import { Avatar, Button } from '../ui/parts';
import { useServerNow } from '../ui/time';
import { endedSentence, talkText } from '../ui/words';
import { DeviceChoice } from './devices';
import { InvitePanel } from './invite-panel';
import { Participants } from './participants';

const folded = signal(false); // on narrow screens the card may be folded to one line

/** hasCard says whether the card takes room on the screen. */
export function hasCard(): boolean {
  return (
    liveCall.value !== null ||
    endedCall.value !== null ||
    starting.value?.kind === 'dial' ||
    starting.value?.kind === 'accept'
  );
}

/** CallCard floats on every screen while there is a call, and for some seconds after its end. */
export function CallCard(): JSX.Element | null {
  const live = liveCall.value;
  const ended = endedCall.value;
  useAnnouncements(live, ended);
  if (live) return <LiveCard call={live} />;
  if (starting.value && starting.value.kind !== 'attach') return <StartingCard />;
  if (ended) return <EndedCard call={ended} />;
  return null;
}

function useAnnouncements(live: CallView | null, ended: CallView | null): void {
  const said = useRef('');
  const mine = agentId.value;
  const text = live ? stateText(live) : ended ? endedSentence(ended, leftByMe(ended, mine)) : '';
  useEffect(() => {
    if (text && text !== said.current) announce(text);
    said.current = text;
  }, [text]);
}

function leftByMe(call: CallView, mine: string): boolean {
  return call.state !== 'ended' && isOver(call) && myLeg(call, mine)?.state === 'left';
}

function stateText(call: CallView): string {
  return word('call_state', call.state, 'call_state.active');
}

function StartingCard(): JSX.Element {
  const what = starting.value;
  return (
    <aside class="call-card" aria-label={t('call.card')} data-testid="call-card" data-state="starting">
      <div class="card-head">
        <Avatar name={what?.contact?.name ?? ''} large />
        <div class="card-title">
          <h2>{what?.contact ? nameOf(what.contact) : ''}</h2>
          <p class="muted" role="status">
            {t(what?.kind === 'dial' ? 'call.starting_dial' : 'call.starting_accept')}
          </p>
        </div>
      </div>
    </aside>
  );
}

function EndedCard({ call }: { call: CallView }): JSX.Element {
  const talk = talkText(call);
  return (
    <aside
      class="call-card ended"
      aria-label={t('call.card')}
      data-testid="call-card"
      data-state="ended"
      data-call-id={call.call_id}
    >
      <div class="card-head">
        <Avatar name={call.contact.name} large />
        <div class="card-title">
          <h2>{nameOf(call.contact)}</h2>
          <p data-testid="call-ended">{endedSentence(call, leftByMe(call, agentId.value))}</p>
          {talk && <p class="muted">{t('ended.talk', { duration: talk })}</p>}
        </div>
        <Button
          tone="ghost"
          icon="close"
          label={t('action.close')}
          testid="call-dismiss"
          onClick={() => dismissCall(call.call_id)}
        />
      </div>
    </aside>
  );
}

function LiveCard({ call }: { call: CallView }): JSX.Element {
  const away = elsewhere.value;
  const going = ending.value?.call === call.call_id;
  return (
    <aside
      class={`call-card${folded.value ? ' folded' : ''}`}
      aria-label={t('call.card')}
      data-testid="call-card"
      data-state={call.state}
      data-call-id={call.call_id}
      data-audio={audio.audioState.value}
    >
      <div class="card-head">
        <Avatar name={call.contact.name} large />
        <div class="card-title">
          <h2>
            <a href={contactHref(call.contact.id)} data-testid="call-contact">
              {nameOf(call.contact)}
            </a>
          </h2>
          <Status call={call} />
        </div>
        <button
          type="button"
          class="button ghost icon-only fold"
          aria-expanded={!folded.value}
          aria-label={t(folded.value ? 'call.unfold' : 'call.fold')}
          data-testid="call-fold"
          onClick={() => {
            folded.value = !folded.value;
          }}
        >
          <Icon name={folded.value ? 'up' : 'down'} />
        </button>
      </div>
      <div class="card-body">
        <Warnings call={call} away={away && !going} />
        <Participants call={call} />
        <Panels call={call} />
      </div>
      <Controls call={call} away={away} going={going} />
    </aside>
  );
}

function Status({ call }: { call: CallView }): JSX.Element {
  const running = call.answered_at !== undefined;
  const waiting = !running && call.ring_deadline !== undefined;
  const now = useServerNow(250, running || waiting);
  const lost = audio.audioState.value === 'disconnected' || audio.audioState.value === 'failed';
  return (
    <p class="card-status">
      <span class={`state ${call.state}`} data-testid="call-state">
        {lost && audio.audioCall.value ? t('call.audio_reconnecting') : stateText(call)}
      </span>
      {running && (
        <span class="timer tabular" role="timer" aria-label={t('call.timer')} data-testid="call-timer">
          {clock(now - Date.parse(call.answered_at ?? ''))}
        </span>
      )}
      {waiting && (
        <span class="muted tabular" data-testid="ring-left">
          {t('call.ring_left', { time: clock(Math.max(0, Date.parse(call.ring_deadline ?? '') - now)) })}
        </span>
      )}
    </p>
  );
}

function Warnings({ call, away }: { call: CallView; away: boolean }): JSX.Element {
  const problem = audio.microphone.value;
  const silent = problem !== 'none' && problem !== 'on' && problem !== 'asking';
  const failure = attachFailure.value;
  return (
    <>
      {away && (
        <div class="card-warning" data-testid="audio-elsewhere" data-orphaned={orphaned.value} role="status">
          <p>{failure ? failureText(failure) : t(orphaned.value ? 'call.audio_orphaned' : 'call.audio_elsewhere')}</p>
          <Button small tone="accent" icon="speaker" testid="audio-here" onClick={() => void attach(call)}>
            {t('call.audio_here')}
          </Button>
        </div>
      )}
      {audio.audioBlocked.value && (
        <button type="button" class="card-warning click" data-testid="audio-blocked" onClick={audio.resumeAudio}>
          <Icon name="speakerOff" size={16} />
          {t('call.audio_blocked')}
        </button>
      )}
      {silent && (
        <div class="card-warning" role="status" data-testid="microphone-problem" data-problem={problem}>
          <p>{word('microphone', problem, 'microphone.failed')}</p>
          <Button small icon="microphone" testid="microphone-retry" onClick={() => void audio.takeMicrophone()}>
            {t('microphone.retry')}
          </Button>
        </div>
      )}
      {call.unsaved && (
        <p class="card-warning" role="status" data-testid="unsaved">
          {t('call.unsaved')}
        </p>
      )}
    </>
  );
}

function Panels({ call }: { call: CallView }): JSX.Element {
  const [open, setOpen] = useState<'' | 'invite' | 'devices'>('');
  const toggle = (name: 'invite' | 'devices') => setOpen(open === name ? '' : name);
  const colleagues = otherAgents(call);
  const before = useRef(colleagues);
  useEffect(() => {
    if (colleagues > before.current) setOpen((now) => (now === 'invite' ? '' : now)); // the invitation was accepted
    before.current = colleagues;
  }, [colleagues]);
  return (
    <>
      <div class="card-tools">
        <Button
          small
          icon="addPerson"
          testid="invite-open"
          expanded={open === 'invite'}
          controls={open === 'invite' ? 'invite-panel' : undefined}
          onClick={() => toggle('invite')}
        >
          {t('invite.open')}
        </Button>
        <Button
          small
          tone="ghost"
          icon="settings"
          testid="devices-open"
          expanded={open === 'devices'}
          controls={open === 'devices' ? 'devices-panel' : undefined}
          onClick={() => toggle('devices')}
        >
          {t('devices.open')}
        </Button>
      </div>
      {open === 'invite' && <InvitePanel call={call} />}
      {open === 'devices' && (
        <section id="devices-panel" class="panel" aria-label={t('devices.open')}>
          <DeviceChoice />
        </section>
      )}
    </>
  );
}

function Controls({ call, away, going }: { call: CallView; away: boolean; going: boolean }): JSX.Element {
  const [confirming, setConfirming] = useState(false);
  const last = alone.value;
  const muted = mutedNow.value;
  const others = present(call).length > 1;
  if (going) {
    return (
      <p class="card-controls muted" role="status">
        {t('call.ending')}
      </p>
    );
  }
  if (confirming && !last) {
    return (
      <div class="card-controls" role="group" aria-label={t('call.end_confirm')}>
        <p class="confirm-text">{t('call.end_confirm')}</p>
        <Button tone="bad" icon="hangup" testid="call-end-confirm" onClick={() => void hangUp('call.end')}>
          {t('call.end_yes')}
        </Button>
        <Button tone="ghost" testid="call-end-cancel" onClick={() => setConfirming(false)}>
          {t('action.cancel')}
        </Button>
      </div>
    );
  }
  return (
    <div class="card-controls">
      <Button
        tone={muted ? 'accent' : 'plain'}
        icon={muted ? 'microphoneOff' : 'microphone'}
        testid="call-mute"
        disabled={away}
        onClick={() => void toggleMute()}
      >
        {t(muted ? 'call.unmute' : 'call.mute')}
      </Button>
      {last ? (
        <Button tone="bad" icon="hangup" testid="call-end" onClick={() => void hangUp('call.end')}>
          {t('call.hang_up')}
        </Button>
      ) : (
        <>
          <Button icon="leave" testid="call-leave" disabled={!others} onClick={() => void hangUp('call.leave')}>
            {t('call.leave')}
          </Button>
          <Button tone="bad" icon="hangup" testid="call-end" onClick={() => setConfirming(true)}>
            {t('call.end_all')}
          </Button>
        </>
      )}
    </div>
  );
}
