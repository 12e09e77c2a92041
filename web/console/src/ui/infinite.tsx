import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { t } from '../i18n';
import { Button } from './parts';

/** More loads the next page when it comes into view, and by a button for those who do not scroll. */
export function More({
  busy,
  onMore,
  text,
  auto = true,
}: {
  busy: boolean;
  onMore: () => void;
  text?: string;
  auto?: boolean;
}): JSX.Element {
  const root = useRef<HTMLDivElement>(null);
  const run = useRef(onMore);
  run.current = onMore;
  useEffect(() => {
    const element = root.current;
    if (!auto || busy || !element || typeof IntersectionObserver === 'undefined') return;
    const observer = new IntersectionObserver((entries) => {
      if (entries.some((entry) => entry.isIntersecting)) run.current();
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, [auto, busy]);
  return (
    <div class="more" ref={root}>
      <Button tone="ghost" small busy={busy} onClick={onMore} testid="load-more">
        {busy ? t('list.loading_more') : (text ?? t('list.load_more'))}
      </Button>
    </div>
  );
}
