import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { t } from '../i18n';
import { asFailure, type Failure } from '../protocol/failure';
import type { LineSettings, LineView } from '../protocol/types';
import { checkHours, formOf, type HoursForm, hoursOf } from '../state/hours';
import { rest } from '../state/store';
import { say } from '../state/toasts';
import { Button, Failed, Spinner, Switch } from '../ui/parts';
import { HoursEditor } from './hours-editor';

interface Loaded {
  settings: LineSettings; // as edited, without hours
  form: HoursForm;
  etag: string;
}

const pendingEveryMs = 5_000;

/** LineSettingsEditor edits the calling settings of one line, for supervisors and admins. */
export function LineSettingsEditor({ line }: { line: LineView }): JSX.Element {
  const [loaded, setLoaded] = useState<Loaded | null>(null);
  const [failure, setFailure] = useState<Failure | null>(null);
  const [conflict, setConflict] = useState(false);
  const [saving, setSaving] = useState(false);
  const [dirty, setDirty] = useState(false);
  const dirtyNow = useRef(false);
  dirtyNow.current = dirty;

  const take = (answer: { settings: LineSettings; etag: string }) => {
    setLoaded({ settings: answer.settings, form: formOf(answer.settings), etag: answer.etag });
    setDirty(false);
    setConflict(false);
    setFailure(null);
  };
  const load = async () => {
    try {
      take(await rest.lineSettings(line.id));
    } catch (err) {
      setFailure(asFailure(err));
    }
  };
  // biome-ignore lint/correctness/useExhaustiveDependencies: read once for each line
  useEffect(() => {
    void load();
  }, [line.id]);

  const pending = loaded?.settings.pending === true;
  useEffect(() => {
    if (!pending) return;
    const timer = setInterval(() => {
      rest.lineSettings(line.id).then(
        (answer) => {
          if (!dirtyNow.current) take(answer);
        },
        () => undefined, // the next round tells
      );
    }, pendingEveryMs);
    return () => clearInterval(timer);
  });

  const save = async (overwrite: boolean) => {
    if (!loaded || checkHours(loaded.form).length > 0) return;
    setSaving(true);
    try {
      const etag = overwrite ? (await rest.lineSettings(line.id)).etag : loaded.etag;
      const { pending: _pending, sync_error: _error, ...settings } = loaded.settings;
      take(await rest.saveLineSettings(line.id, etag, { ...settings, hours: hoursOf(loaded.form) }));
      say(t('lines.saved'));
    } catch (err) {
      const problem = asFailure(err);
      if (problem.status === 412 || problem.code === 'etag_mismatch') setConflict(true);
      else setFailure(problem);
    } finally {
      setSaving(false);
    }
  };

  if (!loaded) {
    return failure ? <Failed failure={failure} onRetry={() => void load()} /> : <Spinner label={t('list.loading')} />;
  }
  const edit = (part: Partial<LineSettings>) => {
    setLoaded({ ...loaded, settings: { ...loaded.settings, ...part } });
    setDirty(true);
  };
  return (
    <form
      class="line-settings"
      data-testid="line-settings"
      data-line-id={line.id}
      onSubmit={(ev) => {
        ev.preventDefault();
        void save(false);
      }}
    >
      <State settings={loaded.settings} />
      {conflict && (
        <div class="card-warning" role="alert" data-testid="line-conflict">
          <p>{t('lines.conflict')}</p>
          <Button small testid="line-take-theirs" onClick={() => void load()}>
            {t('lines.take_theirs')}
          </Button>
          <Button small testid="line-keep-mine" onClick={() => void save(true)}>
            {t('lines.keep_mine')}
          </Button>
        </div>
      )}
      {failure && <Failed failure={failure} />}
      <Switches settings={loaded.settings} edit={edit} />
      <HoursEditor
        form={loaded.form}
        onChange={(form) => {
          setLoaded({ ...loaded, form });
          setDirty(true);
        }}
      />
      <div class="actions sticky">
        <Button
          tone="accent"
          submit
          busy={saving}
          disabled={!dirty || checkHours(loaded.form).length > 0}
          testid="line-save"
        >
          {t('lines.save')}
        </Button>
        {dirty && (
          <Button tone="ghost" testid="line-discard" onClick={() => void load()}>
            {t('lines.discard')}
          </Button>
        )}
      </div>
    </form>
  );
}

function State({ settings }: { settings: LineSettings }): JSX.Element | null {
  if (settings.sync_error) {
    return (
      <p class="card-warning" role="status" data-testid="line-sync-error">
        {t('lines.sync_error', { detail: settings.sync_error })}
      </p>
    );
  }
  if (!settings.pending) return null;
  return (
    <p class="card-info" role="status" data-testid="line-pending">
      {t('lines.pending')}
    </p>
  );
}

function Switches({
  settings,
  edit,
}: {
  settings: LineSettings;
  edit: (part: Partial<LineSettings>) => void;
}): JSX.Element {
  return (
    <fieldset class="switches">
      <legend class="sr-only">{t('lines.calling_group')}</legend>
      <Switch
        label={t('lines.calling')}
        hint={t('lines.calling_hint')}
        checked={settings.calling}
        testid="line-calling"
        onChange={(calling) => edit({ calling })}
      />
      <Switch
        label={t('lines.icon')}
        hint={t('lines.icon_hint')}
        checked={settings.icon_visible}
        testid="line-icon"
        onChange={(icon_visible) => edit({ icon_visible })}
      />
      <Switch
        label={t('lines.callback')}
        hint={t('lines.callback_hint')}
        checked={settings.callback_permission}
        testid="line-callback"
        onChange={(callback_permission) => edit({ callback_permission })}
      />
    </fieldset>
  );
}
