import type { JSX } from 'preact';
import { canChooseOutput } from '../../../shared/audio/context';
import { t } from '../i18n';
import type { Device } from '../state/devices';
import { microphones, speakers } from '../state/devices';
import { microphoneId, speakerId } from '../state/prefs';
import { type Option, Select } from '../ui/parts';

/** deviceOptions puts the default first, and keeps a chosen device that is not plugged in now visible as such. */
export function deviceOptions(devices: readonly Device[], chosen: string): Option[] {
  const options: Option[] = [{ value: '', text: t('devices.default') }];
  devices.forEach((device, index) => {
    options.push({ value: device.id, text: device.name || t('devices.unnamed', { n: index + 1 }) });
  });
  if (chosen && !devices.some((device) => device.id === chosen)) {
    options.push({ value: chosen, text: t('devices.missing') });
  }
  return options;
}

/** DeviceChoice chooses microphone and speaker; in a call it takes effect at once. */
export function DeviceChoice(): JSX.Element {
  return (
    <div class="device-choice">
      <Select
        label={t('devices.microphone')}
        value={microphoneId.value}
        options={deviceOptions(microphones.value, microphoneId.value)}
        testid="device-microphone"
        onChange={(id) => {
          microphoneId.value = id;
        }}
      />
      <Select
        label={t('devices.speaker')}
        value={speakerId.value}
        options={deviceOptions(speakers.value, speakerId.value)}
        testid="device-speaker"
        disabled={!canChooseOutput()}
        hint={canChooseOutput() ? undefined : t('devices.no_choice')}
        onChange={(id) => {
          speakerId.value = id;
        }}
      />
    </div>
  );
}
