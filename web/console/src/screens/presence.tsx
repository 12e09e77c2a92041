import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { shortTime, t, word } from '../i18n';
import { agent, online, request } from '../state/store';
import { sayFailure } from '../state/toasts';
import { Icon } from '../ui/icons';
import { Popover, PresenceDot, presenceText } from '../ui/parts';

const breakCodes = ['rest', 'lunch', 'meeting', 'training', 'other'] as const;

/** setPresence asks the server; the answer comes as an event. */
export async function setPresence(presence: string, code?: string): Promise<void> {
  try {
    await request('agent.set_presence', { presence, break_code: code });
  } catch (err) {
    sayFailure(err);
  }
}

/** PresenceMenu shows the agent's own state and switches between available and the kinds of break. */
export function PresenceMenu(): JSX.Element | null {
  const [open, setOpen] = useState(false);
  const me = agent.value;
  if (!me) return null;
  const choose = (presence: string, code?: string) => {
    setOpen(false);
    return setPresence(presence, code);
  };
  const state =
    me.break_code && me.presence === 'break'
      ? word('break', me.break_code, 'break.unknown')
      : presenceText(me.presence);
  return (
    <Popover
      label={t('presence.menu', { name: me.name, state })}
      testid="presence"
      open={open}
      onOpen={setOpen}
      buttonClass="button ghost presence-button"
      button={
        <>
          <PresenceDot presence={me.presence} />
          <span class="presence-words">
            <span class="presence-name">{me.name}</span>
            <span class="muted" data-testid="presence-state" data-presence={me.presence}>
              {state}
            </span>
          </span>
          <Icon name="down" size={14} />
        </>
      }
    >
      <p class="muted panel-note">{t('presence.since', { when: shortTime(me.since) })}</p>
      <ul class="menu">
        <li>
          <button
            type="button"
            aria-pressed={me.presence === 'available'}
            disabled={!online.value}
            data-testid="presence-available"
            onClick={() => void choose('available')}
          >
            <PresenceDot presence="available" />
            {t('presence.available')}
          </button>
        </li>
        {breakCodes.map((code) => (
          <li key={code}>
            <button
              type="button"
              aria-pressed={me.presence === 'break' && me.break_code === code}
              disabled={!online.value}
              data-testid={`presence-break-${code}`}
              onClick={() => void choose('break', code)}
            >
              <PresenceDot presence="break" />
              {word('break', code, 'break.unknown')}
            </button>
          </li>
        ))}
      </ul>
    </Popover>
  );
}
