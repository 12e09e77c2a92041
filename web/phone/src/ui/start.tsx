import type { JSX } from 'preact';
import { useCallback, useEffect, useState } from 'preact/hooks';
import { t, word } from '../i18n';
import { Failure, listUsers } from '../protocol/api';
import type { UserEntry } from '../protocol/types';
import { phoneText } from './context';
import { Face, LanguageSwitch } from './parts';

/** StartPage lists the customers of the simulator, each a link to its phone. */
export function StartPage(): JSX.Element {
  const [users, setUsers] = useState<UserEntry[] | undefined>(undefined);
  const [failure, setFailure] = useState<Failure | undefined>(undefined);
  const load = useCallback(() => {
    setFailure(undefined);
    listUsers().then(setUsers, (err: unknown) => setFailure(err instanceof Failure ? err : new Failure('internal')));
  }, []);
  useEffect(load, [load]);
  const title = t('app.name');
  useEffect(() => {
    document.title = title;
  }, [title]);
  return (
    <main class="start">
      <div class="start-head">
        <h1>{t('start.title')}</h1>
        <LanguageSwitch />
      </div>
      <p class="soft">{t('start.hint')}</p>
      {failure && (
        <div class="bar warn" role="alert">
          <span>{word('error', failure.code, 'error.other')}</span>
          <button type="button" class="small" onClick={load}>
            {t('start.retry')}
          </button>
        </div>
      )}
      {!failure && !users && (
        <p class="soft" role="status">
          {t('start.loading')}
        </p>
      )}
      {users?.length === 0 && <p class="soft">{t('start.empty')}</p>}
      <ul class="start-list">
        {users?.map((user) => (
          <li key={user.key}>
            <a
              class="row"
              href={import.meta.env.BASE_URL + encodeURIComponent(user.key)}
              data-testid="start-user"
              data-key={user.key}
            >
              <Face name={user.name} id={user.user_id} />
              <span class="row-text">
                <strong>{user.name}</strong>
                <span class="soft">{user.wa_id ? phoneText(user.wa_id) : t('start.hiddenNumber')}</span>
              </span>
            </a>
          </li>
        ))}
      </ul>
    </main>
  );
}
