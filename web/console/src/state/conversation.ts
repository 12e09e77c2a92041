import { batch, computed, effect, signal } from '@preact/signals';
import { asFailure, type Failure } from '../protocol/failure';
import type { CallView, ContactView, EligibilityView, MessageView, NoticeView } from '../protocol/types';
import { later } from './debounce';
import { nextChange } from './eligibility';
import { moment } from './moments';
import { lineId } from './prefs';
import { lines, listen, rest, serverNow } from './store';
import { timeline, upsertCall, upsertMessage } from './timeline';

const longestTimer = 2_000_000_000; // setTimeout's own limit is 2^31 ms

/**
 * Conversation is one contact on the screen: its card, may-we-call answer, messages and calls. The screen makes it and
 * calls close(), which ends its listener, effect and timers.
 */
export class Conversation {
  readonly contact = signal<ContactView | null>(null);
  readonly eligibility = signal<EligibilityView | null>(null);
  readonly eligibilityFailure = signal<Failure | null>(null);
  readonly messages = signal<MessageView[]>([]); // newest first
  readonly calls = signal<CallView[]>([]); // newest first
  readonly failure = signal<Failure | null>(null);
  readonly loaded = signal(false);
  readonly loadingOlder = signal(false);
  readonly olderFailure = signal<Failure | null>(null);
  readonly line = computed(() => {
    const known = lines.value;
    return known.find((line) => line.id === lineId.value) ?? known[0] ?? null;
  });
  readonly cursor = signal('');
  readonly callsCursor = signal('');
  readonly entries = computed(() => timeline(this.messages.value, this.calls.value, this.cursor.value === ''));

  private readonly abort = new AbortController();
  private readonly stops: Array<() => void> = [];
  private timer: ReturnType<typeof setTimeout> | undefined;
  private readonly askSoon = later(300, () => void this.ask());

  constructor(readonly id: string) {
    this.stops.push(
      listen({
        contact: (contact) => this.contactChanged(contact),
        message: (message) => this.messageChanged(message),
        call: (call) => this.callChanged(call),
        event: (frame) => {
          if (frame.type === 'notice.created' && (frame.data as NoticeView).contact_id === id) this.askSoon();
          if (frame.type === 'call.updated') this.callChanged(frame.data as CallView);
        },
        reset: () => void this.load(),
      }),
    );
    this.stops.push(
      effect(() => {
        if (this.line.value) void this.ask();
      }),
    );
    void this.load();
  }

  close(): void {
    this.abort.abort();
    clearTimeout(this.timer);
    this.askSoon.cancel();
    for (const stop of this.stops) stop();
  }

  /** load reads card, newest messages and newest calls; again after a break in the connection. */
  async load(): Promise<void> {
    const signal = this.abort.signal;
    try {
      const [contact, messages, calls] = await Promise.all([
        rest.contact(this.id, signal),
        rest.messages(this.id, { limit: 50 }, signal),
        rest.calls({ contact: this.id, limit: 50 }, signal),
      ]);
      batch(() => {
        this.takeContact(contact);
        if (this.loaded.peek()) {
          for (const message of messages.items ?? [])
            this.messages.value = upsertMessage(this.messages.peek(), message);
          for (const call of calls.items ?? []) this.calls.value = upsertCall(this.calls.peek(), call);
        } else {
          this.messages.value = messages.items ?? [];
          this.calls.value = calls.items ?? [];
          this.cursor.value = messages.next_cursor ?? '';
          this.callsCursor.value = calls.next_cursor ?? '';
        }
        this.loaded.value = true;
        this.failure.value = null;
      });
      this.askSoon();
    } catch (err) {
      const problem = asFailure(err);
      if (problem.code !== 'aborted') this.failure.value = problem;
    }
  }

  /** loadOlder reads the page before the oldest message, and the calls of that time. */
  async loadOlder(): Promise<void> {
    if (this.loadingOlder.peek() || !this.cursor.peek()) return;
    this.loadingOlder.value = true;
    this.olderFailure.value = null;
    try {
      const page = await rest.messages(this.id, { limit: 50, cursor: this.cursor.peek() }, this.abort.signal);
      const older = page.items ?? [];
      await this.loadCallsUntil(page.next_cursor ? (older.at(-1)?.at ?? '') : '');
      batch(() => {
        const known = new Set(this.messages.peek().map((message) => message.message_id));
        this.messages.value = [...this.messages.peek(), ...older.filter((message) => !known.has(message.message_id))];
        this.cursor.value = page.next_cursor ?? '';
      });
    } catch (err) {
      const problem = asFailure(err);
      if (problem.code !== 'aborted') this.olderFailure.value = problem;
    } finally {
      this.loadingOlder.value = false;
    }
  }

  private async loadCallsUntil(oldest: string): Promise<void> {
    while (this.callsCursor.peek() && moment(this.calls.peek().at(-1)?.created_at ?? '') > moment(oldest)) {
      const query = { contact: this.id, limit: 100, cursor: this.callsCursor.peek() };
      const page = await rest.calls(query, this.abort.signal);
      batch(() => {
        for (const call of page.items ?? []) this.calls.value = upsertCall(this.calls.peek(), call);
        this.callsCursor.value = page.next_cursor ?? '';
      });
    }
  }

  /** ask reads the may-we-call answer, and again when it is about to change by itself. */
  async ask(): Promise<void> {
    const line = this.line.peek();
    if (!line) return;
    clearTimeout(this.timer);
    try {
      const answer = await rest.eligibility(this.id, line.id, this.abort.signal);
      if (this.line.peek()?.id !== line.id) return; // another line was chosen meanwhile
      batch(() => {
        this.eligibility.value = answer;
        this.eligibilityFailure.value = null;
      });
      const next = nextChange(answer, serverNow());
      if (next === null || this.abort.signal.aborted) return;
      const wait = Math.min(next - serverNow() + 500, longestTimer);
      this.timer = setTimeout(() => void this.ask(), wait);
    } catch (err) {
      const problem = asFailure(err);
      if (problem.code !== 'aborted') this.eligibilityFailure.value = problem;
    }
  }

  private contactChanged(contact: ContactView): void {
    if (contact.id !== this.id) return;
    this.takeContact(contact);
    this.askSoon();
  }

  /** takeContact never puts an older version over a newer one: an answer may be older than a hint that overtook it. */
  private takeContact(contact: ContactView): void {
    const known = this.contact.peek();
    if (!known || contact.version >= known.version) this.contact.value = contact;
  }

  private messageChanged(message: MessageView): void {
    if (message.contact_id !== this.id || !this.loaded.peek()) return;
    this.messages.value = upsertMessage(this.messages.peek(), message);
    this.askSoon();
  }

  private callChanged(call: CallView): void {
    if (call.contact.id !== this.id || !this.loaded.peek()) return;
    this.calls.value = upsertCall(this.calls.peek(), call);
    this.askSoon();
  }
}
