import type { JSX } from 'preact';
import { useId } from 'preact/hooks';
import { percent, t } from '../i18n';
import { gainOf } from '../media/slots';
import type { CallView, ParticipantView } from '../protocol/types';
import * as audio from '../state/audio';
import { cancelInvite, mutedNow } from '../state/calls';
import { myLeg, present } from '../state/desk';
import { agentId } from '../state/store';
import { setVolume, toggleSilence } from '../state/volumes';
import { Icon } from '../ui/icons';
import { Avatar, Button } from '../ui/parts';
import { legText } from '../ui/words';

/** Participants lists who is in the call, with the volume at which I hear each of them. */
export function Participants({ call }: { call: CallView }): JSX.Element {
  const mine = myLeg(call, agentId.value)?.leg_id;
  return (
    <ul class="participants" aria-label={t('call.participants')}>
      {present(call).map((person) => (
        <Person key={person.leg_id} call={call} person={person} mine={person.leg_id === mine} />
      ))}
    </ul>
  );
}

function Person({ call, person, mine }: { call: CallView; person: ParticipantView; mine: boolean }): JSX.Element {
  const talking = audio.speaking.value.has(person.leg_id);
  const muted = mine ? mutedNow.value : person.muted;
  return (
    <li
      class={`participant${talking ? ' talking' : ''}`}
      data-testid="participant"
      data-leg-id={person.leg_id}
      data-kind={person.kind}
      data-state={person.state}
      data-speaking={talking}
    >
      <Avatar name={person.name} />
      <div class="participant-main">
        <p class="participant-name">
          {mine ? t('call.you', { name: person.name }) : person.name}
          {person.kind === 'contact' && <span class="badge outline">{t('call.customer')}</span>}
        </p>
        <p class="muted participant-state">
          {legText(call, person)}
          {muted && (
            <span class="muted-mark" data-testid="participant-muted">
              <Icon name="microphoneOff" size={14} />
              {t('call.muted')}
            </span>
          )}
        </p>
        {!mine && person.state !== 'invited' && <Volume call={call} person={person} />}
      </div>
      {person.state === 'invited' && person.kind === 'agent' && !mine && (
        <Button
          small
          tone="ghost"
          testid="invite-cancel"
          onClick={() => void cancelInvite(call.call_id, person.agent_id ?? '')}
        >
          {t('invite.cancel')}
        </Button>
      )}
    </li>
  );
}

function Volume({ call, person }: { call: CallView; person: ParticipantView }): JSX.Element {
  const id = useId();
  const gain = gainOf(person.leg_id, audio.wishedGains.value, call.gains);
  const value = Math.round(gain * 100);
  return (
    <div class="volume">
      <button
        type="button"
        class="button ghost icon-only small"
        aria-pressed={gain === 0}
        aria-label={t('call.silence', { name: person.name })}
        title={t('call.silence', { name: person.name })}
        data-testid="participant-silence"
        onClick={() => toggleSilence(person.leg_id, gain)}
      >
        <Icon name={gain === 0 ? 'speakerOff' : 'speaker'} size={16} />
      </button>
      <label class="sr-only" for={id}>
        {t('call.volume', { name: person.name })}
      </label>
      <input
        id={id}
        type="range"
        min="0"
        max="200"
        step="5"
        value={value}
        aria-valuetext={percent(gain)}
        data-testid="participant-volume"
        onInput={(ev) => setVolume(person.leg_id, Number(ev.currentTarget.value) / 100)}
      />
      <span class="volume-value tabular" aria-hidden="true">
        {percent(gain)}
      </span>
    </div>
  );
}
