import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { canChooseOutput } from '../../../shared/audio/context';
import { type MicrophoneProblem, openMicrophone } from '../../../shared/audio/microphone';
import { chooseLocale, locale, locales, percent, t, word } from '../i18n';
import { microphones, readDevices, speakers } from '../state/devices';
import { microphoneId, ringerId, ringVolume, theme } from '../state/prefs';
import { askNotifications, notificationState, testRing } from '../state/ringing';
import { formatHash, route } from '../state/route';
import { agent, lines } from '../state/store';
import { Button, Field, Select } from '../ui/parts';
import { DeviceChoice, deviceOptions } from './devices';
import { LineSettingsEditor } from './line-settings';

/** SettingsScreen: this browser's sound, language and look; and the lines, for supervisors and admins. */
export function SettingsScreen(): JSX.Element {
  const id = route.value.id;
  const role = agent.value?.role;
  const mayEdit = role === 'supervisor' || role === 'admin';
  const line = mayEdit ? lines.value.find((known) => known.id === id) : undefined;
  return (
    <div class="settings">
      {mayEdit && (
        <nav class="tabs" aria-label={t('settings.sections')}>
          <a
            href={formatHash({ place: 'settings' })}
            aria-current={line ? undefined : 'page'}
            data-testid="settings-mine"
          >
            {t('settings.mine')}
          </a>
          {lines.value.map((known) => (
            <a
              key={known.id}
              href={formatHash({ place: 'settings', id: known.id })}
              aria-current={known.id === line?.id ? 'page' : undefined}
              data-testid="settings-line"
              data-line-id={known.id}
            >
              {t('settings.line', { name: known.name })}
            </a>
          ))}
        </nav>
      )}
      {line ? <LineSettingsEditor key={line.id} line={line} /> : <Mine />}
    </div>
  );
}

function Mine(): JSX.Element {
  useEffect(() => {
    void readDevices();
  }, []);
  return (
    <div class="settings-grid">
      <section class="box">
        <h2>{t('settings.audio')}</h2>
        <DeviceChoice />
        <MicrophoneTest />
        <Select
          label={t('devices.ringer')}
          value={ringerId.value}
          options={deviceOptions(speakers.value, ringerId.value)}
          testid="device-ringer"
          disabled={!canChooseOutput()}
          hint={canChooseOutput() ? t('devices.ringer_hint') : t('devices.no_choice')}
          onChange={(id) => {
            ringerId.value = id;
          }}
        />
        <Field label={t('settings.ring_volume')}>
          {({ id }) => (
            <div class="inline">
              <input
                id={id}
                type="range"
                min="0"
                max="100"
                step="5"
                value={Math.round(ringVolume.value * 100)}
                aria-valuetext={percent(ringVolume.value)}
                data-testid="ring-volume"
                onInput={(ev) => {
                  ringVolume.value = Number(ev.currentTarget.value) / 100;
                }}
              />
              <Button small icon="speaker" testid="ring-test" onClick={() => void testRing()}>
                {t('settings.ring_test')}
              </Button>
            </div>
          )}
        </Field>
      </section>
      <section class="box">
        <h2>{t('settings.notifications')}</h2>
        <p class="muted">{word('notifications', notificationState.value, 'notifications.default')}</p>
        {notificationState.value === 'default' && (
          <Button icon="bell" testid="notifications-ask" onClick={() => void askNotifications()}>
            {t('notifications.ask')}
          </Button>
        )}
        <h2>{t('settings.look')}</h2>
        <Select
          label={t('settings.language')}
          value={locale.value}
          testid="language"
          options={locales.map((name) => ({ value: name, text: word('language', name, 'language.pt-BR') }))}
          onChange={(name) => chooseLocale(locales.find((known) => known === name) ?? 'pt-BR')}
        />
        <Select
          label={t('settings.theme')}
          value={theme.value}
          testid="theme"
          options={['system', 'light', 'dark'].map((name) => ({
            value: name,
            text: word('theme', name, 'theme.system'),
          }))}
          onChange={(name) => {
            theme.value = name;
          }}
        />
        <h2>{t('settings.session')}</h2>
        <p class="muted">{t('settings.session_hint')}</p>
      </section>
    </div>
  );
}

/** MicrophoneTest opens the microphone for as long as it is wanted and shows how loud it is. */
function MicrophoneTest(): JSX.Element {
  const [running, setRunning] = useState(false);
  const [problem, setProblem] = useState<MicrophoneProblem | null>(null);
  const meter = useRef<HTMLMeterElement>(null);
  const device = microphoneId.value;
  // biome-ignore lint/correctness/useExhaustiveDependencies: another device opens anew
  useEffect(() => {
    if (!running) return;
    let stopped = false;
    let release: () => void = () => undefined;
    void openMicrophone(device).then((result) => {
      if (result.problem) {
        setProblem(result.problem);
        setRunning(false);
        return;
      }
      if (stopped) return result.track.stop();
      setProblem(null);
      void readDevices();
      release = followLevel(result.track, (level) => {
        if (meter.current) meter.current.value = level;
      });
    });
    return () => {
      stopped = true;
      release();
    };
  }, [running, device]);
  return (
    <div class="mic-test">
      <div class="inline">
        <Button small icon="microphone" testid="microphone-test" pressed={running} onClick={() => setRunning(!running)}>
          {t(running ? 'settings.microphone_stop' : 'settings.microphone_test')}
        </Button>
        {running && <meter ref={meter} min={0} max={1} value={0} aria-label={t('settings.microphone_level')} />}
      </div>
      {problem && (
        <p class="field-error" role="alert" data-testid="microphone-problem" data-problem={problem}>
          {word('microphone', problem, 'microphone.failed')}
        </p>
      )}
      {microphones.value.length === 0 && !problem && <p class="hint">{t('devices.names_hint')}</p>}
    </div>
  );
}

function followLevel(track: MediaStreamTrack, tell: (level: number) => void): () => void {
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  analyser.fftSize = 1024;
  context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  const timer = setInterval(() => {
    analyser.getFloatTimeDomainData(samples);
    let peak = 0;
    for (const sample of samples) peak = Math.max(peak, Math.abs(sample));
    tell(Math.min(1, peak * 1.5));
  }, 80);
  return () => {
    clearInterval(timer);
    track.stop();
    void context.close();
  };
}
