import type { JSX } from 'preact';
import { useCallback } from 'preact/hooks';
import { t } from '../i18n';
import type { Chat } from '../protocol/types';
import { usePhone, when } from './context';
import { Sheet } from './parts';

/** ClosedSheet says when the business can be called and offers to write instead. */
export function ClosedSheet({ chat }: { chat: Chat }): JSX.Element {
  const phone = usePhone();
  const close = useCallback(() => {
    phone.closedChat.value = '';
  }, [phone]);
  const write = () => {
    close();
    phone.go({ screen: 'chat', pnid: chat.pnid });
    requestAnimationFrame(() => document.querySelector<HTMLTextAreaElement>('#composer')?.focus());
  };
  return (
    <Sheet title={t('closed.title')} close={close} testid="closed-sheet">
      <p>
        {chat.access.next_open
          ? t('closed.textUntil', { name: chat.name, when: when(chat.access.next_open) })
          : t('closed.text', { name: chat.name })}
      </p>
      <div class="choices">
        <button type="button" class="button primary" onClick={write} data-testid="closed-write">
          {t('closed.write')}
        </button>
        <button type="button" class="button" onClick={close}>
          {t('closed.cancel')}
        </button>
      </div>
    </Sheet>
  );
}
