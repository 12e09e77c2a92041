import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { formatClock } from '../../../shared/i18n/format';
import { t, word } from '../i18n';
import type { Call } from '../protocol/types';
import { endedKey, isLive } from '../state/calls';
import { AudioBars, audioOf } from './callaudio';
import { since, usePhone } from './context';
import { Icon, type IconName } from './icons';
import { Keypad } from './keypad';
import { Face, useFocusIn } from './parts';

/** CallScreen covers the phone while a call rings or runs, and for a moment after it. Esc never ends a call. */
export function CallScreen({ call }: { call: Call }): JSX.Element {
  const phone = usePhone();
  const heading = useFocusIn<HTMLHeadingElement>();
  const incoming = call.phase === 'ringing' && call.direction === 'incoming';
  const audio = audioOf(phone, call);
  const other = phone.calls.value.find((entry) => isLive(entry) && entry.id !== call.id);
  return (
    // biome-ignore lint/a11y/useAriaPropsSupportedByRole: the role is one of two dialog roles
    <div
      class={`call-screen ${call.phase}`}
      role={incoming ? 'alertdialog' : 'dialog'}
      aria-modal="true"
      aria-labelledby="call-name"
      aria-describedby="call-phase"
      data-testid="call-screen"
      data-phase={call.phase}
      data-direction={call.direction}
      data-outcome={call.outcome}
      data-call={call.id}
      data-audio={audio.link}
      data-microphone={audio.microphone}
    >
      <p class="call-kind">{call.direction === 'incoming' ? t('call.incoming') : t('call.outgoing')}</p>
      <div class={`call-face${call.phase === 'ringing' ? ' waves' : ''}`}>
        <Face name={call.name} id={call.pnid} large />
      </div>
      <h1 id="call-name" tabIndex={-1} ref={heading}>
        {call.name}
      </h1>
      <Phase call={call} />
      {isLive(call) && <AudioBars call={call} />}
      {other && <p class="call-soft">{t('call.also', { name: other.name })}</p>}
      <div class="call-foot">
        {incoming && <IncomingControls call={call} />}
        {!incoming && isLive(call) && <LiveControls call={call} />}
        {!isLive(call) && (
          <div class="call-row">
            <CallControl icon="close" text={t('call.close')} testid="call-close" press={() => phone.dismiss(call.id)} />
          </div>
        )}
      </div>
    </div>
  );
}

function Phase({ call }: { call: Call }): JSX.Element {
  const talked =
    call.connected_at && call.ended_at
      ? formatClock(Date.parse(call.ended_at) - Date.parse(call.connected_at))
      : undefined;
  return (
    <div class="call-phase">
      <p id="call-phase" role="status" data-testid="call-phase">
        {phaseText(call)}
      </p>
      {call.phase === 'connected' && call.connected_at && (
        <p class="timer tabular" role="timer" data-testid="call-timer">
          {since(call.connected_at)}
        </p>
      )}
      {call.phase === 'ended' && talked && (
        <p class="call-soft tabular" data-testid="call-duration">
          {t('call.duration', { time: talked })}
        </p>
      )}
      {call.error !== undefined && (
        <p class="call-soft" data-testid="call-error">
          {t('call.code', { code: call.error })}
        </p>
      )}
    </div>
  );
}

function phaseText(call: Call): string {
  if (call.phase === 'ended') return word('ended', endedKey(call), 'ended.other');
  if (call.phase === 'connecting') return t('call.connecting');
  if (call.phase === 'connected') return call.business_audio ? t('call.connected') : t('call.waitingAudio');
  return call.direction === 'incoming' ? t('call.ringingIn') : t('call.ringingOut');
}

interface ControlProps {
  icon: IconName;
  text: string;
  testid: string;
  press: () => void;
  look?: 'good' | 'bad';
  pressed?: boolean;
  disabled?: boolean;
}

function CallControl({ icon, text, testid, press, look, pressed, disabled }: ControlProps): JSX.Element {
  return (
    <button
      type="button"
      class={`call-control${look ? ` ${look}` : ''}${pressed ? ' on' : ''}`}
      aria-pressed={pressed}
      disabled={disabled}
      onClick={press}
      data-testid={testid}
    >
      <span class="call-control-disc">
        <Icon name={icon} size={26} />
      </span>
      <span>{text}</span>
    </button>
  );
}

function IncomingControls({ call }: { call: Call }): JSX.Element {
  const phone = usePhone();
  const [busy, setBusy] = useState(false);
  const once = (action: () => Promise<unknown>) => () => {
    setBusy(true);
    void action().finally(() => setBusy(false));
  };
  return (
    <div class="call-row wide">
      <CallControl
        icon="hangup"
        look="bad"
        text={t('call.decline')}
        testid="call-decline"
        disabled={busy}
        press={once(() => phone.decline(call))}
      />
      <CallControl
        icon="call"
        look="good"
        text={t('call.accept')}
        testid="call-accept"
        disabled={busy}
        press={once(() => phone.accept(call))}
      />
    </div>
  );
}

function LiveControls({ call }: { call: Call }): JSX.Element {
  const phone = usePhone();
  const [wanted, setWanted] = useState(false);
  const talking = call.phase === 'connected';
  const pad = wanted && talking;
  const hangup = (
    <CallControl
      icon="hangup"
      look="bad"
      text={call.phase === 'ringing' ? t('call.cancel') : t('call.hangup')}
      testid="call-hangup"
      press={() => void phone.hangup(call)}
    />
  );
  const minimize = (
    <CallControl
      icon="chat"
      text={t('call.minimize')}
      testid="call-minimize"
      press={() => {
        phone.minimized.value = true;
      }}
    />
  );
  return (
    <>
      {pad && <Keypad call={call} />}
      {call.phase !== 'ringing' && (
        <div class="call-row">
          <CallControl
            icon={call.muted ? 'micOff' : 'mic'}
            text={call.muted ? t('call.unmute') : t('call.mute')}
            testid="call-mute"
            pressed={call.muted}
            press={() => void phone.mute(call, !call.muted)}
          />
          <CallControl
            icon="keypad"
            text={t('call.keypad')}
            testid="call-keypad"
            pressed={pad}
            disabled={!talking}
            press={() => setWanted(!pad)}
          />
          {pad ? hangup : minimize}
        </div>
      )}
      {!pad && <div class="call-row">{hangup}</div>}
    </>
  );
}
