import type { JSX } from 'preact';
import { t } from '../i18n';
import { since, usePhone } from './context';
import { Icon } from './icons';

/** ReturnBar leads back to a talk whose screen was put away. */
export function ReturnBar(): JSX.Element | null {
  const phone = usePhone();
  const call = phone.call.value;
  if (!call || !phone.minimized.value || call.phase === 'ended' || call.phase === 'ringing') return null;
  return (
    <button
      type="button"
      class="return-bar"
      data-testid="call-return"
      onClick={() => {
        phone.minimized.value = false;
      }}
    >
      <Icon name="call" size={16} />
      <span class="tabular">
        {call.connected_at ? t('call.returnTimer', { time: since(call.connected_at) }) : t('call.connecting')}
      </span>
      <span>{t('call.return')}</span>
    </button>
  );
}
