import type { NoticeView } from '../protocol/types';
import { noticeText } from '../ui/words';
import { listen, request } from './store';
import { notifies } from './tabs';
import { dismissNoticeToasts, sayFailure, sayNotice } from './toasts';

// Notices are the server's: stored there until acknowledged by some session. This module shows each once as a toast and
// sends the acknowledgement.

/** unseen are the notices that this page has not shown yet. */
export function unseen(notices: readonly NoticeView[], seen: ReadonlySet<string>): NoticeView[] {
  return notices.filter((notice) => !seen.has(notice.notice_id));
}

/** watchNotices shows new notices until the returned function is called. Those of the first snapshot are only in the bell. */
export function watchNotices(): () => void {
  const seen = new Set<string>();
  let first = true;
  return listen({
    reset: (snapshot) => {
      const fresh = unseen(snapshot.notices ?? [], seen);
      for (const notice of fresh) {
        seen.add(notice.notice_id);
        if (!first) sayNotice(notice);
      }
      first = false;
    },
    event: (frame) => {
      if (frame.type === 'notice.created') {
        const notice = frame.data as NoticeView;
        if (seen.has(notice.notice_id)) return;
        seen.add(notice.notice_id);
        sayNotice(notice);
        notify(notice);
      }
      if (frame.type === 'notice.acked') {
        dismissNoticeToasts((frame.data as { notice_ids: string[] | null }).notice_ids ?? []);
      }
    },
  });
}

/** notify tells an agent who is looking at something else, in one tab of the browser only. */
function notify(notice: NoticeView): void {
  if (!notifies.peek() || document.hasFocus()) return;
  if (typeof Notification === 'undefined' || Notification.permission !== 'granted') return;
  try {
    const shown = new Notification(noticeText(notice), { tag: notice.notice_id });
    shown.onclick = () => {
      window.focus();
      shown.close();
    };
  } catch {
    // some mobile browsers allow notifications from service workers only: the toast and the bell remain
  }
}

/** acknowledge takes notices away, in every tab; the server's event does it here too. */
export async function acknowledge(ids: string[]): Promise<void> {
  if (ids.length === 0) return;
  dismissNoticeToasts(ids);
  try {
    await request('notice.ack', { notice_ids: ids });
  } catch (err) {
    sayFailure(err);
  }
}
