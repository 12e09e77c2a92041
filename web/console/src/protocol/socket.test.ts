import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Failure } from './failure';
import type { Link } from './link';
import { AgentSocket, type SocketLike } from './socket';
import type { PushFrame, Snapshot } from './types';

class FakeSocket implements SocketLike {
  sent: Array<{ id: string; type: string; data?: unknown }> = [];
  closedWith: number | undefined | null = null;
  onopen: (() => void) | null = null;
  onmessage: ((ev: { data: unknown }) => void) | null = null;
  onclose: ((ev: { code: number }) => void) | null = null;

  send(text: string): void {
    this.sent.push(JSON.parse(text));
  }
  close(code?: number): void {
    this.closedWith = code;
  }
  receive(frame: unknown): void {
    this.onmessage?.({ data: typeof frame === 'string' ? frame : JSON.stringify(frame) });
  }
  last(type: string) {
    return this.sent.findLast((frame) => frame.type === type);
  }
}

const snapshot: Snapshot = {
  seq: 5,
  agent: { id: 'ag_1', name: 'Luis', role: 'agent', presence: 'available', since: '2026-11-24T12:00:00Z' },
  offers: [],
  notices: [],
  lines: [],
};

function setUp() {
  const sockets: FakeSocket[] = [];
  const links: Link[] = [];
  const seen = { resets: 0, events: [] as PushFrame[], hints: [] as PushFrame[], offset: Number.NaN };
  const client = new AgentSocket({
    url: 'ws://here/v1/agent/ws',
    token: () => 'a.b.c',
    lang: () => 'pt-BR',
    open: () => {
      const socket = new FakeSocket();
      sockets.push(socket);
      return socket;
    },
    random: () => 0,
    now: () => Date.now(),
    onLink: (link) => links.push(link),
    onReset: () => {
      seen.resets++;
    },
    onEvent: (frame) => seen.events.push(frame),
    onHint: (frame) => seen.hints.push(frame),
    onOffset: (offset) => {
      seen.offset = offset;
    },
  });
  const greet = async (socket: FakeSocket) => {
    socket.onopen?.();
    const hello = socket.last('hello');
    const server_time = new Date(Date.now() + 2000).toISOString();
    socket.receive({ re: hello?.id, ok: true, data: { session_id: 's', heartbeat_ms: 15000, server_time, snapshot } });
    await vi.advanceTimersByTimeAsync(0);
  };
  const last = () => sockets.at(-1) as FakeSocket;
  return { client, sockets, links, seen, greet, last };
}

beforeEach(() => {
  vi.useFakeTimers({ now: Date.parse('2026-11-24T12:00:00Z') });
});
afterEach(() => {
  vi.useRealTimers();
});

describe('AgentSocket', () => {
  it('says hello with the token, applies the snapshot and learns the clock', async () => {
    const { client, last, greet, seen, links } = setUp();
    client.start();
    await greet(last());
    expect(last().sent[0]).toEqual({
      id: '1',
      type: 'hello',
      data: { token: 'a.b.c', client: 'console/1', lang: 'pt-BR' },
    });
    expect(seen).toMatchObject({ resets: 1, offset: 2000 });
    expect(links.at(-1)?.phase).toBe('open');
    client.stop();
  });

  it('matches replies to requests in any order, and turns refusals into failures', async () => {
    const { client, last, greet } = setUp();
    client.start();
    await greet(last());
    const leave = client.request('call.leave', { call_id: 'c' });
    const dial = client.request('call.dial', { contact_id: 'ct', line_id: 'ln', sdp: 'v=0' });
    last().receive({
      re: last().last('call.dial')?.id,
      ok: false,
      error: { kind: 'exhausted', code: 'daily_limit', next_allowed_at: '2026-11-25T12:00:00Z' },
    });
    last().receive({ re: last().last('call.leave')?.id, ok: true });
    await expect(leave).resolves.toBeUndefined();
    await expect(dial).rejects.toMatchObject({ code: 'daily_limit', nextAllowedAt: '2026-11-25T12:00:00Z' });
    client.stop();
  });

  it('gives up a request after its time as unknown, and ignores the late reply', async () => {
    const { client, last, greet } = setUp();
    client.start();
    await greet(last());
    const end = client.request('call.end', { call_id: 'c' });
    const expected = expect(end).rejects.toMatchObject({ kind: 'unknown', code: 'timeout' });
    for (let i = 0; i < 14; i++) {
      await vi.advanceTimersByTimeAsync(1000);
      last().receive({ type: 'contact.changed', data: {} });
    }
    await expected;
    last().receive({ re: last().last('call.end')?.id, ok: true });
    client.stop();
  });

  it('refuses requests while offline', async () => {
    const { client } = setUp();
    await expect(client.request('call.end', { call_id: 'c' })).rejects.toMatchObject({ code: 'offline' });
  });

  it('connects again after a break, fails what was open, and draws the new snapshot', async () => {
    const { client, sockets, last, greet, seen } = setUp();
    client.start();
    await greet(last());
    const open = client.request('call.end', { call_id: 'c' });
    const expected = expect(open).rejects.toMatchObject({ kind: 'unknown', code: 'connection_lost' });
    last().onclose?.({ code: 1006 });
    await expected;
    await vi.advanceTimersByTimeAsync(300);
    expect(sockets).toHaveLength(2);
    await greet(last());
    expect(seen.resets).toBe(2);
    client.stop();
  });

  it('sends a ping before the heartbeat is due and leaves a silent server', async () => {
    const { client, sockets, last, greet } = setUp();
    client.start();
    await greet(last());
    const first = last();
    await vi.advanceTimersByTimeAsync(12_500);
    expect(first.last('ping')).toBeDefined();
    await vi.advanceTimersByTimeAsync(40_000);
    expect(first.closedWith).toBe(4000);
    expect(sockets.length).toBeGreaterThan(1);
    client.stop();
  });

  it('fetches a snapshot at a gap', async () => {
    const { client, last, greet, seen } = setUp();
    client.start();
    await greet(last());
    last().receive({ seq: 8, type: 'agent.updated', data: {} });
    expect(seen.events).toEqual([]);
    last().receive({ re: last().last('snapshot.get')?.id, ok: true, data: { snapshot: { ...snapshot, seq: 8 } } });
    await vi.advanceTimersByTimeAsync(0);
    expect(seen.resets).toBe(2);
    last().receive({ seq: 9, type: 'agent.updated', data: {} });
    expect(seen.events.map((frame) => frame.seq)).toEqual([9]);
    client.stop();
  });

  it('does not come back after a refused hello', async () => {
    const { client, sockets, last, links } = setUp();
    client.start();
    last().onopen?.();
    last().receive({ re: last().last('hello')?.id, ok: false, error: { kind: 'denied', code: 'token_expired' } });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(links.at(-1)?.phase).toBe('refused');
    expect(sockets).toHaveLength(1);
  });

  it('survives a frame that is not JSON by connecting again', async () => {
    const { client, sockets, last, greet } = setUp();
    client.start();
    await greet(last());
    last().receive('{"type":');
    await vi.advanceTimersByTimeAsync(300);
    expect(sockets).toHaveLength(2);
    client.stop();
  });

  it('leaves a connection that does not open', async () => {
    const { client, sockets } = setUp();
    client.start();
    await vi.advanceTimersByTimeAsync(10_400);
    expect(sockets[0]?.closedWith).toBe(4000);
    expect(sockets).toHaveLength(2);
    client.stop();
  });

  it('is quiet after stop', async () => {
    const { client, sockets, last, greet } = setUp();
    client.start();
    await greet(last());
    const open = client.request('call.end', { call_id: 'c' });
    const expected = expect(open).rejects.toBeInstanceOf(Failure);
    client.stop();
    await expected;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(sockets).toHaveLength(1);
    expect(vi.getTimerCount()).toBe(0);
  });
});
