import type { ComponentChildren, JSX } from 'preact';
import { type AudioState, audioOff } from '../audio/bridge';
import { t, word } from '../i18n';
import type { Call } from '../protocol/types';
import type { Phone } from '../state/phone';
import { usePhone } from './context';

/** audioOf is this page's part in the audio of a call: nothing when it serves another call or none. */
export function audioOf(phone: Phone, call: Call): AudioState {
  const audio = phone.bridge.audio.value;
  return audio.call === call.id ? audio : audioOff;
}

/** AudioBars says in words what is wrong with the sound or the microphone, each with the button that helps. */
export function AudioBars({ call }: { call: Call }): JSX.Element {
  const phone = usePhone();
  const { link, microphone, blocked } = audioOf(phone, call);
  const talking = call.phase === 'connecting' || call.phase === 'connected';
  const here = () => phone.takeAudio(call.id);
  return (
    <div class="call-bars" role="status" data-testid="audio">
      {phone.sounder.blocked.value && (
        <Bar
          text={t('audio.ringBlocked')}
          button={t('audio.ringUnblock')}
          testid="ring-unblock"
          press={phone.sounder.unlock}
        />
      )}
      {blocked && (
        <Bar
          text={t('audio.blocked')}
          button={t('audio.unblock')}
          testid="audio-unblock"
          press={() => phone.bridge.unblock()}
        />
      )}
      {talking && link === 'off' && call.audio === 'none' && (
        <Bar text={t('audio.none')} button={t('audio.here')} testid="audio-here" press={here} />
      )}
      {talking && (link === 'elsewhere' || (link === 'off' && call.audio === 'bridged')) && (
        <Bar text={t('audio.elsewhere')} button={t('audio.here')} testid="audio-here" press={here} />
      )}
      {talking && link === 'opening' && <Bar text={t('audio.opening')} />}
      {link === 'failed' && (
        <Bar text={t('audio.failed')} button={t('audio.retry')} testid="audio-retry" press={here} />
      )}
      {microphone === 'asking' && <Bar text={t('microphone.asking')} />}
      {microphone !== 'off' && microphone !== 'on' && microphone !== 'asking' && (
        <Bar
          text={word('microphone', microphone, 'microphone.failed')}
          button={microphone === 'insecure' ? undefined : t('microphone.retry')}
          testid="microphone-retry"
          press={() => phone.bridge.retryMicrophone()}
        />
      )}
      {call.muted && talking && <Bar text={t('call.muted')} />}
    </div>
  );
}

function Bar(props: { text: ComponentChildren; button?: string; testid?: string; press?: () => unknown }): JSX.Element {
  const { press } = props;
  return (
    <div class="call-bar">
      <span>{props.text}</span>
      {props.button && press && (
        <button type="button" class="small" onClick={() => void press()} data-testid={props.testid}>
          {props.button}
        </button>
      )}
    </div>
  );
}
