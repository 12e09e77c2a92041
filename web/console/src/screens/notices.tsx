import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { shortTime, t } from '../i18n';
import { asFailure } from '../protocol/failure';
import type { NoticeView } from '../protocol/types';
import { dial, starting } from '../state/calls';
import { contactHref } from '../state/contacts';
import { acknowledge } from '../state/notices';
import { formatHash } from '../state/route';
import { lines, liveCall, notices, rest } from '../state/store';
import { dismissNoticeToasts, dismissToast, holdToasts, sayFailure, type Toast, toasts } from '../state/toasts';
import { announce } from '../ui/announce';
import { Icon, type IconName } from '../ui/icons';
import { Button, Empty, Popover } from '../ui/parts';
import { noticeText } from '../ui/words';

const icons: Record<string, IconName> = {
  permission_granted: 'shield',
  call_missed: 'inbound',
  invite_declined: 'people',
  invite_expired: 'people',
  request_failed: 'alert',
};

/** Bell is the list of notices that nobody has acknowledged yet. */
export function Bell(): JSX.Element {
  const [open, setOpen] = useState(false);
  const all = notices.value;
  return (
    <Popover
      label={all.length === 0 ? t('notices.bell_none') : t('notices.bell', { count: all.length })}
      testid="notice-bell"
      open={open}
      onOpen={(next) => {
        setOpen(next);
        if (next) dismissNoticeToasts(all.map((notice) => notice.notice_id));
      }}
      buttonClass="button ghost icon-only bell"
      button={
        <>
          <Icon name="bell" />
          {all.length > 0 && (
            <span class="count tabular" data-testid="notice-count">
              {all.length > 99 ? '99+' : all.length}
            </span>
          )}
        </>
      }
    >
      <div class="panel-head">
        <h2>{t('notices.title')}</h2>
        {all.length > 0 && (
          <Button
            small
            tone="ghost"
            testid="notice-ack-all"
            onClick={() => void acknowledge(all.map((n) => n.notice_id))}
          >
            {t('notices.ack_all')}
          </Button>
        )}
      </div>
      {all.length === 0 && <Empty title={t('notices.none')} />}
      <ul class="notices">
        {all.map((notice) => (
          <li key={notice.notice_id} data-testid="notice" data-kind={notice.kind} data-notice-id={notice.notice_id}>
            <NoticeBody notice={notice} onDone={() => setOpen(false)} />
          </li>
        ))}
      </ul>
    </Popover>
  );
}

async function callNow(notice: NoticeView): Promise<void> {
  const line = notice.line_id || lines.peek()[0]?.id;
  if (!notice.contact_id || !line) return;
  location.hash = contactHref(notice.contact_id);
  void acknowledge([notice.notice_id]);
  try {
    await dial(await rest.contact(notice.contact_id), line);
  } catch (err) {
    sayFailure(asFailure(err));
  }
}

function NoticeBody({ notice, onDone }: { notice: NoticeView; onDone?: () => void }): JSX.Element {
  const together = liveCall.value?.contact.id === notice.contact_id; // then there is nobody to call
  const canDial = notice.kind === 'permission_granted' && notice.contact_id !== undefined && !together;
  const busy = liveCall.value !== null || starting.value !== null;
  const href = notice.contact_id
    ? contactHref(notice.contact_id)
    : notice.call_id
      ? formatHash({ place: 'history', id: notice.call_id })
      : '';
  return (
    <div class={`notice kind-${notice.kind}`}>
      <Icon name={icons[notice.kind] ?? 'alert'} />
      <div class="notice-main">
        <p>{noticeText(notice)}</p>
        <p class="notice-actions">
          <time class="muted tabular" dateTime={notice.at}>
            {shortTime(notice.at)}
          </time>
          {canDial && (
            <Button
              small
              tone="good"
              icon="phone"
              testid="notice-call"
              disabled={busy}
              onClick={() => {
                onDone?.();
                void callNow(notice);
              }}
            >
              {t('notices.call_now')}
            </Button>
          )}
          {href && (
            <a class="button small ghost" href={href} data-testid="notice-open" onClick={() => onDone?.()}>
              {t(notice.contact_id ? 'notices.open_contact' : 'notices.open_call')}
            </a>
          )}
          <Button small tone="ghost" testid="notice-ack" onClick={() => void acknowledge([notice.notice_id])}>
            {t('notices.ack')}
          </Button>
        </p>
      </div>
    </div>
  );
}

/** Toasts are the newest notices and errors, over every screen. */
export function Toasts(): JSX.Element {
  const all = toasts.value;
  return (
    <section
      class="toasts"
      aria-label={t('notices.newest')}
      data-testid="toasts"
      onPointerEnter={holdToasts}
      onFocusIn={holdToasts}
    >
      {all.map((toast) => (
        <ToastCard key={toast.id} toast={toast} />
      ))}
    </section>
  );
}

function ToastCard({ toast }: { toast: Toast }): JSX.Element {
  const text = toast.notice ? noticeText(toast.notice) : toast.text;
  useEffect(() => announce(text), [text]);
  return (
    <div
      class={`toast ${toast.tone}`}
      data-testid={toast.notice ? 'toast-notice' : toast.tone === 'error' ? 'toast-error' : 'toast'}
      data-kind={toast.notice?.kind}
    >
      {toast.notice ? <NoticeBody notice={toast.notice} onDone={() => dismissToast(toast.id)} /> : <p>{toast.text}</p>}
      <Button small tone="ghost" icon="close" label={t('action.close')} onClick={() => dismissToast(toast.id)} />
    </div>
  );
}
