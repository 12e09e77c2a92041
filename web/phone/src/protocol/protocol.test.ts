import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createApi, Failure, failureOf } from './api';
import { backoff, firstMs, longestMs } from './backoff';
import { EventParser } from './sse';
import { type Connection, openStream } from './stream';
import type { State } from './types';

describe('server-sent events', () => {
  test('events, comments, several data lines, any line ends', () => {
    const parser = new EventParser();
    expect(parser.push(': hello\n\nevent: state\ndata: {"a":1}\n\n')).toEqual([{ name: 'state', data: '{"a":1}' }]);
    expect(parser.push('data: one\r\ndata:two\r\n\r\n')).toEqual([{ name: 'message', data: 'one\ntwo' }]);
    expect(parser.push('event: empty\n\ndata\n\n')).toEqual([{ name: 'message', data: '' }]);
  });
  test('any cut of the stream gives the same events', () => {
    const text = 'event: state\r\ndata: {"é":1}\r\n\r\n: c\nevent: x\ndata: 2\n\n';
    const whole = new EventParser().push(text);
    expect(whole).toHaveLength(2);
    for (let cut = 1; cut < text.length; cut++) {
      const parser = new EventParser();
      expect([...parser.push(text.slice(0, cut)), ...parser.push(text.slice(cut))]).toEqual(whole);
    }
  });
});

test('the wait doubles to a bound and never falls below half of it', () => {
  expect(backoff(1, 0)).toBe(firstMs / 2);
  expect(backoff(1, 1)).toBe(firstMs);
  expect(backoff(2, 1)).toBe(firstMs * 2);
  expect(backoff(50, 1)).toBe(longestMs);
  expect(backoff(50, 0)).toBe(longestMs / 2);
});

describe('failures', () => {
  test('problem+json gives its code, reason and detail', () => {
    const failure = failureOf(409, { code: 'calls_unavailable', reason: 'hidden', detail: 'd' });
    expect([failure.code, failure.reason, failure.detail]).toEqual(['calls_unavailable', 'hidden', 'd']);
  });
  test('anything else gives its status', () => {
    expect(failureOf(502, undefined).code).toBe('http_502');
    expect(failureOf(500, 'text').code).toBe('http_500');
    expect(failureOf(500, { code: 7 }).code).toBe('http_500');
  });
});

describe('actions', () => {
  afterEach(() => vi.unstubAllGlobals());
  const answer = (status: number, body: string) => {
    const fetched = vi.fn(
      async (_url: string, _init?: RequestInit) => new Response(status === 204 ? null : body, { status }),
    );
    vi.stubGlobal('fetch', fetched);
    return fetched;
  };
  test('ids are escaped into the path and the body is JSON', async () => {
    const fetched = answer(204, '');
    await createApi('BR.1/2').answer('wamid.A/b+c=', 'decline');
    const [url, init] = fetched.mock.calls[0] ?? [];
    expect(url).toBe('/phone-api/BR.1%2F2/messages/wamid.A%2Fb%2Bc%3D/answer');
    expect(init?.body).toBe('{"answer":"decline"}');
  });
  test('a refusal, a broken line and a broken answer reject with a Failure', async () => {
    answer(409, '{"code":"busy"}');
    await expect(createApi('1').call('2')).rejects.toMatchObject({ code: 'busy' });
    answer(200, '<html>');
    await expect(createApi('1').call('2')).rejects.toMatchObject({ code: 'unreadable' });
    vi.stubGlobal('fetch', async () => {
      throw new TypeError('down');
    });
    const failure = await createApi('1')
      .call('2')
      .catch((err: unknown) => err);
    expect(failure).toBeInstanceOf(Failure);
    expect(failure).toMatchObject({ code: 'network' });
  });
});

describe('the stream', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  // served answers each fetch with the next response of the list, and keeps what the stream was told.
  function served(answers: ((init?: RequestInit) => Promise<Response>)[]) {
    const fetched = vi.fn(async (_url: string, init?: RequestInit) => {
      const next = answers.shift();
      if (!next) throw new TypeError('down');
      return next(init);
    });
    vi.stubGlobal('fetch', fetched);
    const states: string[] = [];
    const connections: Connection[] = [];
    const stream = openStream('k', {
      state: (state: State) => states.push(state.now),
      connection: (connection) => connections.push(connection),
    });
    return { stream, states, connections, fetched };
  }
  const text = (body: string) => async () => new Response(body, { status: 200 });
  const state = (now: string) => `event: state\ndata: {"now":"${now}"}\n\n`;

  test('connects again after each loss and takes the state that is then', async () => {
    const { stream, states, connections, fetched } = served([text(state('1')), text(state('2'))]);
    await vi.advanceTimersByTimeAsync(0);
    expect(states).toEqual(['1']);
    expect(connections).toEqual(['connecting', 'open', 'lost']);
    await vi.advanceTimersByTimeAsync(firstMs);
    expect(states).toEqual(['1', '2']);
    await vi.advanceTimersByTimeAsync(60_000);
    const tried = fetched.mock.calls.length;
    expect(tried).toBeGreaterThan(5);
    expect(tried).toBeLessThan(25); // with back-off, not in a loop
    stream.close();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(fetched.mock.calls.length).toBe(tried);
  });

  test('an unknown customer is told, and asked for again', async () => {
    const gone = async () => new Response('{"code":"no_user"}', { status: 404 });
    const { stream, states, connections } = served([gone, text(state('1'))]);
    await vi.advanceTimersByTimeAsync(0);
    expect(connections.at(-1)).toBe('unknown_user');
    await vi.advanceTimersByTimeAsync(firstMs);
    expect(states).toEqual(['1']);
    stream.close();
  });

  test('retry does not wait; what cannot be read is skipped', async () => {
    const { stream, states, fetched } = served([text('event: state\ndata: {oops\n\n'), text(state('2'))]);
    await vi.advanceTimersByTimeAsync(0);
    expect(states).toEqual([]);
    expect(fetched).toHaveBeenCalledTimes(1);
    stream.retry();
    await vi.advanceTimersByTimeAsync(0);
    expect(states).toEqual(['2']);
    stream.close();
  });

  test('a line that says nothing is given up', async () => {
    const silent = async (init?: RequestInit) => {
      const start = (controller: ReadableStreamDefaultController) => {
        init?.signal?.addEventListener('abort', () => controller.error(new DOMException('gone', 'AbortError')));
      };
      return new Response(new ReadableStream({ start }), { status: 200 });
    };
    const { stream, connections } = served([silent]);
    await vi.advanceTimersByTimeAsync(39_000);
    expect(connections).toEqual(['connecting']);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(connections).toEqual(['connecting', 'lost']);
    stream.close();
  });
});
