import { userPath } from './api';
import { backoff } from './backoff';
import { EventParser } from './sse';
import type { State } from './types';

// The stream of states (sim/PHONE-API.md section 3). fetch, not EventSource: it shows the status of a refusal and the
// comment lines, so that an unknown customer is told from a broken line, and a silent line is noticed.

export type Connection = 'connecting' | 'open' | 'lost' | 'unknown_user';

export interface StreamEvents {
  state: (state: State) => void;
  connection: (connection: Connection) => void;
}

export interface Stream {
  /** retry connects now instead of when the wait is over. */
  retry: () => void;
  close: () => void;
}

// A comment comes every 15 s; two of them lost and some slack mean that the line is dead.
const silenceMs = 40_000;

/** openStream keeps one stream open, connecting again after every loss, until close. */
export function openStream(key: string, on: StreamEvents): Stream {
  let failures = 0;
  let closed = false;
  let waiting: ReturnType<typeof setTimeout> | undefined;
  let current: AbortController | undefined;

  const lost = () => {
    if (closed) return;
    failures += 1;
    on.connection('lost');
    waiting = setTimeout(connect, backoff(failures, Math.random()));
  };

  const take = (data: string) => {
    let state: State;
    try {
      state = JSON.parse(data) as State;
    } catch {
      return; // a state that cannot be read is followed by the next one
    }
    failures = 0;
    on.connection('open');
    on.state(state);
  };

  const connect = async () => {
    waiting = undefined;
    const abort = new AbortController();
    current = abort;
    let silence = setTimeout(() => abort.abort(), silenceMs);
    try {
      const response = await fetch(`${userPath(key)}/events`, {
        headers: { Accept: 'text/event-stream' },
        signal: abort.signal,
        cache: 'no-store',
      });
      if (response.status === 404) on.connection('unknown_user');
      if (!response.ok || !response.body) throw new Error(`status ${response.status}`);
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      const parser = new EventParser();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        clearTimeout(silence);
        silence = setTimeout(() => abort.abort(), silenceMs);
        for (const event of parser.push(value)) if (event.name === 'state') take(event.data);
      }
      lost();
    } catch (err) {
      if (err instanceof Error && err.message === 'status 404') {
        failures += 1;
        if (!closed) waiting = setTimeout(connect, backoff(failures, Math.random()));
      } else lost();
    } finally {
      clearTimeout(silence);
    }
  };

  on.connection('connecting');
  void connect();
  return {
    retry() {
      if (closed || waiting === undefined) return;
      clearTimeout(waiting);
      void connect();
    },
    close() {
      closed = true;
      clearTimeout(waiting);
      current?.abort();
    },
  };
}
