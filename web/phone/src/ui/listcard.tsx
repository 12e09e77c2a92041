import type { JSX } from 'preact';
import { useCallback } from 'preact/hooks';
import { t } from '../i18n';
import type { MessageOf } from '../protocol/types';
import { Parts } from './cards';
import { usePhone } from './context';
import { Icon } from './icons';
import { Sheet } from './parts';

function chosenRow(message: MessageOf<'list'>) {
  return message.sections.flatMap((section) => section.rows).find((row) => row.id === message.pressed);
}

export function ListCard({ message }: { message: MessageOf<'list'> }): JSX.Element {
  const phone = usePhone();
  const chosen = chosenRow(message);
  return (
    <Parts {...message}>
      {chosen ? (
        <p class="chosen">{t('button.chosen', { title: chosen.title })}</p>
      ) : (
        <div class="choices">
          <button
            type="button"
            class="button"
            onClick={() => {
              phone.openList.value = message.id;
            }}
            data-testid="list-open"
          >
            <Icon name="list" size={18} />
            {message.button}
          </button>
        </div>
      )}
    </Parts>
  );
}

/** ListSheet shows the rows of a list message over the chat. */
export function ListSheet({ message }: { message: MessageOf<'list'> }): JSX.Element {
  const phone = usePhone();
  const close = useCallback(() => {
    phone.openList.value = '';
  }, [phone]);
  const choose = (id: string) => {
    close();
    void phone.press(message.id, id);
  };
  return (
    <Sheet title={message.button || t('button.choose')} close={close} testid="list-sheet">
      {message.sections.map((section) => (
        <section key={section.title ?? section.rows[0]?.id}>
          {section.title && <h3>{section.title}</h3>}
          <ul>
            {section.rows.map((row) => (
              <li key={row.id}>
                <button
                  type="button"
                  class="row"
                  onClick={() => choose(row.id)}
                  data-testid="press"
                  data-option={row.id}
                >
                  <span class="row-text">
                    <strong>{row.title}</strong>
                    {row.description && <span class="soft">{row.description}</span>}
                  </span>
                </button>
              </li>
            ))}
          </ul>
        </section>
      ))}
    </Sheet>
  );
}
