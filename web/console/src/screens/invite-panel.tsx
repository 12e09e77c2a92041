import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { t } from '../i18n';
import { asFailure, type Failure } from '../protocol/failure';
import type { CallView, Colleague } from '../protocol/types';
import { invite } from '../state/calls';
import { present } from '../state/desk';
import { agentId, people, rest } from '../state/store';
import { Avatar, Button, Empty, Failed, Field, PresenceDot, presenceText, Spinner } from '../ui/parts';
import { involvedText } from '../ui/words';

const noteLimit = 280;

/** InvitePanel lists colleagues: already involved first, then online, then the rest; each may be invited with a note. */
export function InvitePanel({ call }: { call: CallView }): JSX.Element {
  const [colleagues, setColleagues] = useState<Colleague[] | null>(null);
  const [failure, setFailure] = useState<Failure | null>(null);
  const [note, setNote] = useState('');
  const [turn, setTurn] = useState(0);
  const inCall = present(call)
    .map((person) => person.agent_id)
    .join(' ');
  // biome-ignore lint/correctness/useExhaustiveDependencies: who is in the call changes the list; turn is the retry
  useEffect(() => {
    const abort = new AbortController();
    rest.colleagues(call.contact.id, call.call_id, abort.signal).then(
      (page) => {
        setColleagues(page.items ?? []);
        setFailure(null);
      },
      (err) => {
        if (asFailure(err).code !== 'aborted') setFailure(asFailure(err));
      },
    );
    return () => abort.abort();
  }, [call.call_id, call.contact.id, inCall, turn]);
  return (
    <section id="invite-panel" class="panel" aria-label={t('invite.title')} data-testid="invite-panel">
      <Field label={t('invite.note')} hint={t('invite.note_hint')}>
        {({ id, describedBy }) => (
          <input
            id={id}
            aria-describedby={describedBy}
            type="text"
            maxLength={noteLimit}
            data-testid="invite-note"
            value={note}
            onInput={(ev) => setNote(ev.currentTarget.value)}
          />
        )}
      </Field>
      {failure && <Failed failure={failure} onRetry={() => setTurn(turn + 1)} />}
      {!colleagues && !failure && <Spinner label={t('list.loading')} />}
      {colleagues && <Groups call={call} colleagues={colleagues} note={note} onInvited={() => setNote('')} />}
    </section>
  );
}

function Groups(props: { call: CallView; colleagues: Colleague[]; note: string; onInvited: () => void }): JSX.Element {
  const others = props.colleagues
    .filter((colleague) => colleague.id !== agentId.value)
    .map((colleague) => ({ ...colleague, presence: people.value.get(colleague.id)?.presence ?? colleague.presence }));
  if (others.length === 0) return <Empty title={t('invite.nobody')} />;
  const groups = [
    ['involved', others.filter((colleague) => colleague.involved)],
    ['online', others.filter((colleague) => !colleague.involved && colleague.presence !== 'offline')],
    ['others', others.filter((colleague) => !colleague.involved && colleague.presence === 'offline')],
  ] as const;
  return (
    <>
      {groups.map(
        ([name, members]) =>
          members.length > 0 && (
            <div key={name}>
              <h3 class="group-title">{t(`invite.${name}`)}</h3>
              <ul class="colleagues">
                {members.map((colleague) => (
                  <Entry key={colleague.id} {...props} colleague={colleague} />
                ))}
              </ul>
            </div>
          ),
      )}
    </>
  );
}

function Entry(props: { call: CallView; colleague: Colleague; note: string; onInvited: () => void }): JSX.Element {
  const { call, colleague, note, onInvited } = props;
  const [busy, setBusy] = useState(false);
  const presence = colleague.presence ?? 'offline';
  const inCall = colleague.in_call === true || present(call).some((person) => person.agent_id === colleague.id);
  const why = involvedText(colleague);
  const send = async () => {
    setBusy(true);
    if (await invite(call.call_id, colleague.id, note)) onInvited();
    setBusy(false);
  };
  return (
    <li class="colleague" data-testid="invite-entry" data-agent-id={colleague.id} data-presence={presence}>
      <Avatar name={colleague.name} />
      <div class="participant-main">
        <p class="participant-name">{colleague.name}</p>
        <p class="muted participant-state">
          <PresenceDot presence={presence} />
          {presenceText(presence)}
        </p>
        {why && <p class="muted participant-state">{why}</p>}
      </div>
      <Button
        small
        testid="invite-send"
        busy={busy}
        disabled={inCall || presence === 'offline'}
        label={inCall ? undefined : t('invite.send_to', { name: colleague.name })}
        onClick={() => void send()}
      >
        {t(inCall ? 'invite.in_call' : 'invite.send')}
      </Button>
    </li>
  );
}
