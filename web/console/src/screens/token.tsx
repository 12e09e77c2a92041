import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { chooseLocale, locale, t } from '../i18n';
import { looksLikeToken, setToken, tokenOfHash, tokenRefused } from '../state/token';
import { Button, Field } from '../ui/parts';

/** TokenScreen asks for a token when there is none, or when the server refused it. */
export function TokenScreen(): JSX.Element {
  const [text, setText] = useState('');
  const [wrong, setWrong] = useState(false);
  const enter = () => {
    const pasted = text.includes('#token=') ? tokenOfHash(text.slice(text.indexOf('#'))) : text.trim();
    if (looksLikeToken(pasted)) setToken(pasted);
    else setWrong(true);
  };
  return (
    <main class="token-screen" data-testid="token-screen">
      <form
        class="box"
        onSubmit={(ev) => {
          ev.preventDefault();
          enter();
        }}
      >
        <h1>{t('token.title')}</h1>
        <p class="muted">{t('token.explain')}</p>
        {tokenRefused.value && (
          <p class="card-warning" role="alert" data-testid="token-refused">
            {t('token.refused')}
          </p>
        )}
        <Field label={t('token.label')} error={wrong ? t('token.wrong') : undefined}>
          {({ id, describedBy }) => (
            <textarea
              id={id}
              rows={4}
              spellcheck={false}
              autocomplete="off"
              aria-describedby={describedBy}
              aria-invalid={wrong}
              data-testid="token-input"
              value={text}
              onInput={(ev) => {
                setText(ev.currentTarget.value);
                setWrong(false);
              }}
            />
          )}
        </Field>
        <div class="actions">
          <Button tone="accent" submit testid="token-enter">
            {t('token.enter')}
          </Button>
          <Button
            tone="ghost"
            testid="token-language"
            onClick={() => chooseLocale(locale.value === 'pt-BR' ? 'en' : 'pt-BR')}
          >
            {t('language.other')}
          </Button>
        </div>
      </form>
    </main>
  );
}
