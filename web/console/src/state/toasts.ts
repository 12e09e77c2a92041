import { signal } from '@preact/signals';
import { failureText } from '../i18n';
import { asFailure } from '../protocol/failure';
import type { NoticeView } from '../protocol/types';

// Short messages at the edge of every screen. A toast of a notice goes away by itself; the notice stays in the bell
// until somebody acknowledges it.

export interface Toast {
  id: number;
  tone: 'info' | 'error';
  text: string;
  notice?: NoticeView;
  untilMs: number; // of this clock; pushed on while the pointer is on it
}

const infoMs = 6_000;
const errorMs = 12_000;
const noticeMs = 15_000;
const most = 4;

export const toasts = signal<readonly Toast[]>([]);

let nextId = 1;
let timer: ReturnType<typeof setTimeout> | undefined;

function add(toast: Omit<Toast, 'id'>): number {
  const id = nextId++;
  toasts.value = [...toasts.peek(), { ...toast, id }].slice(-most);
  schedule();
  return id;
}

function schedule(): void {
  clearTimeout(timer);
  const first = Math.min(...toasts.peek().map((toast) => toast.untilMs));
  if (!Number.isFinite(first)) return;
  timer = setTimeout(
    () => {
      const now = Date.now();
      toasts.value = toasts.peek().filter((toast) => toast.untilMs > now);
      schedule();
    },
    Math.max(50, first - Date.now()),
  );
}

/** say shows a text and returns the toast's id. */
export function say(text: string): number {
  return add({ tone: 'info', text, untilMs: Date.now() + infoMs });
}

/** sayFailure says an error in words; what the user gave up is not an error. */
export function sayFailure(err: unknown): void {
  const failure = asFailure(err);
  if (failure.code === 'aborted') return;
  sayError(failureText(failure));
}

/** sayError shows an error that is in words already, once. */
export function sayError(text: string): void {
  dismissWhere((toast) => toast.tone === 'error' && toast.text === text);
  add({ tone: 'error', text, untilMs: Date.now() + errorMs });
}

export function sayNotice(notice: NoticeView): void {
  add({ tone: 'info', text: '', notice, untilMs: Date.now() + noticeMs });
}

/** holdToasts keeps all toasts while somebody reads them. */
export function holdToasts(): void {
  const until = Date.now() + infoMs;
  toasts.value = toasts.peek().map((toast) => ({ ...toast, untilMs: Math.max(toast.untilMs, until) }));
  schedule();
}

export function dismissToast(id: number): void {
  dismissWhere((toast) => toast.id === id);
}

export function dismissNoticeToasts(ids: readonly string[]): void {
  dismissWhere((toast) => toast.notice !== undefined && ids.includes(toast.notice.notice_id));
}

function dismissWhere(gone: (toast: Toast) => boolean): void {
  toasts.value = toasts.peek().filter((toast) => !gone(toast));
  schedule();
}
