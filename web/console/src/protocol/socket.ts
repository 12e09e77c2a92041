import { Failure } from './failure';
import {
  closeTokenRefused,
  initialLink,
  isPush,
  isReply,
  type Link,
  type LinkInput,
  type LinkOutput,
  stepLink,
} from './link';
import type { PushFrame, ReplyFrame, Requests, Snapshot } from './types';

/** SocketLike is the part of WebSocket that is used, so that tests can stand in for it. */
export interface SocketLike {
  send(text: string): void;
  close(code?: number): void;
  onopen: (() => void) | null;
  onmessage: ((ev: { data: unknown }) => void) | null;
  onclose: ((ev: { code: number }) => void) | null;
}

export interface SocketOptions {
  url: string;
  token: () => string;
  lang: () => string;
  open?: (url: string, protocol: string) => SocketLike;
  random?: () => number;
  now?: () => number; // ms
  onLink: (link: Link) => void;
  onReset: (snapshot: Snapshot) => void;
  onEvent: (frame: PushFrame) => void;
  onHint: (frame: PushFrame) => void;
  onOffset: (offsetMs: number) => void; // server's clock minus ours
}

interface Pending {
  resolve: (data: unknown) => void;
  reject: (err: Failure) => void;
  timer: ReturnType<typeof setTimeout>;
}

interface Welcome {
  session_id: string;
  heartbeat_ms?: number;
  server_time?: string;
  snapshot: Snapshot;
}

export const protocolName = 'ramal.v1';
const requestTimeoutMs = 13_000; // the server gives up after 12 s
const connectTimeoutMs = 10_000;
const defaultHeartbeatMs = 15_000;

/**
 * AgentSocket is the shell around the link: it owns one WebSocket at a time, the table of open requests and three
 * timers. Whoever calls start() must call stop(), which ends all of them.
 */
export class AgentSocket {
  private link: Link = initialLink;
  private socket: SocketLike | null = null;
  private pending = new Map<string, Pending>();
  private nextId = 1;
  private waitTimer: ReturnType<typeof setTimeout> | undefined;
  private beatTimer: ReturnType<typeof setInterval> | undefined;
  private openTimer: ReturnType<typeof setTimeout> | undefined;
  private heartbeatMs = defaultHeartbeatMs;
  private lastFrameAt = 0;

  constructor(private readonly options: SocketOptions) {}

  start(): void {
    this.step({ type: 'start' });
  }

  /** retryNow does not wait for the end of the back-off; for a click, or the browser's "online". */
  retryNow(): void {
    if (this.link.phase !== 'waiting') return;
    clearTimeout(this.waitTimer);
    this.step({ type: 'start' });
  }

  stop(): void {
    this.step({ type: 'stop' });
    clearTimeout(this.waitTimer);
    this.failAll('stopped');
  }

  /** request resolves with the reply's data, or rejects with a Failure. It never repeats anything by itself. */
  request<T extends keyof Requests>(type: T, data: Requests[T][0]): Promise<Requests[T][1]> {
    if (this.link.phase !== 'open') return Promise.reject(new Failure({ kind: 'unavailable', code: 'offline' }));
    return this.send(type, data) as Promise<Requests[T][1]>;
  }

  private send(type: string, data: unknown): Promise<unknown> {
    const socket = this.socket;
    if (!socket) return Promise.reject(new Failure({ kind: 'unavailable', code: 'offline' }));
    const id = String(this.nextId++);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.pending.delete(id);
        reject(new Failure({ kind: 'unknown', code: 'timeout' }));
      }, requestTimeoutMs);
      this.pending.set(id, { resolve, reject, timer });
      socket.send(JSON.stringify(data === undefined ? { id, type } : { id, type, data }));
    });
  }

  private step(input: LinkInput): void {
    const [next, outputs] = stepLink(this.link, input);
    const changed = next !== this.link;
    this.link = next;
    if (changed) this.options.onLink(next);
    for (const output of outputs) this.perform(output);
  }

  private perform(output: LinkOutput): void {
    switch (output.type) {
      case 'connect':
        return this.connect();
      case 'hello':
        return this.hello();
      case 'disconnect':
        return this.drop(1000);
      case 'wait':
        this.waitTimer = setTimeout(() => this.step({ type: 'start' }), output.ms);
        return;
      case 'apply':
        return this.options.onEvent(output.frame);
      case 'hint':
        return this.options.onHint(output.frame);
      case 'reset':
        return this.options.onReset(output.snapshot);
      case 'fetch_snapshot':
        this.send('snapshot.get', undefined).then(
          (data) => {
            const snapshot = (data as { snapshot: Snapshot }).snapshot;
            this.step({ type: 'snapshot', snapshot, welcome: false });
          },
          () => this.step({ type: 'resync_failed' }),
        );
    }
  }

  private connect(): void {
    const open = this.options.open ?? ((url: string, protocol: string) => new WebSocket(url, protocol) as SocketLike);
    const socket = open(this.options.url, protocolName);
    this.socket = socket;
    this.openTimer = setTimeout(() => this.drop(4000), connectTimeoutMs);
    socket.onopen = () => {
      if (this.socket === socket) this.step({ type: 'opened' });
    };
    socket.onmessage = (ev) => {
      if (this.socket === socket) this.received(ev.data);
    };
    socket.onclose = (ev) => {
      if (this.socket === socket) this.closed(ev.code);
    };
  }

  private hello(): void {
    const data = { token: this.options.token(), client: 'console/1', lang: this.options.lang() };
    const socket = this.socket;
    this.send('hello', data).then(
      (reply) => this.welcomed(reply as Welcome),
      (err: Failure) => {
        if (this.socket !== socket) return;
        this.drop(err.kind === 'denied' || err.kind === 'not_found' ? closeTokenRefused : 4000);
      },
    );
  }

  private welcomed(welcome: Welcome): void {
    clearTimeout(this.openTimer);
    this.heartbeatMs = welcome.heartbeat_ms ?? defaultHeartbeatMs;
    this.tellOffset(welcome.server_time);
    this.step({ type: 'snapshot', snapshot: welcome.snapshot, welcome: true });
    clearInterval(this.beatTimer);
    this.beatTimer = setInterval(() => this.beat(), this.heartbeatMs * 0.8);
  }

  private beat(): void {
    if (this.now() - this.lastFrameAt > this.heartbeatMs * 2.5) return this.drop(4000); // the other side is gone
    this.send('ping', undefined).then(
      (data) => this.tellOffset((data as { server_time?: string } | undefined)?.server_time),
      () => undefined, // the silence check above decides
    );
  }

  private tellOffset(serverTime: string | undefined): void {
    if (!serverTime) return;
    const offset = Date.parse(serverTime) - this.now();
    if (Number.isFinite(offset)) this.options.onOffset(offset);
  }

  private received(text: unknown): void {
    this.lastFrameAt = this.now();
    let frame: unknown;
    try {
      frame = JSON.parse(String(text));
    } catch {
      return this.drop(4000);
    }
    if (isReply(frame)) return this.answered(frame);
    if (isPush(frame)) this.step({ type: 'push', frame });
  }

  private answered(reply: ReplyFrame): void {
    const pending = this.pending.get(reply.re);
    if (!pending) return; // answered after our time-out
    this.pending.delete(reply.re);
    clearTimeout(pending.timer);
    if (reply.ok) pending.resolve(reply.data);
    else pending.reject(new Failure(reply.error ?? {}));
  }

  /** drop ends the socket by ourselves and does not wait for the other side to agree. */
  private drop(code: number): void {
    const socket = this.socket;
    if (!socket) return;
    socket.close(code >= 3000 || code === 1000 ? code : undefined);
    this.closed(code);
  }

  private closed(code: number): void {
    const socket = this.socket;
    if (socket) {
      socket.onopen = null;
      socket.onmessage = null;
      socket.onclose = null;
    }
    this.socket = null;
    clearTimeout(this.openTimer);
    clearInterval(this.beatTimer);
    this.failAll('connection_lost');
    this.step({ type: 'closed', code, random: (this.options.random ?? Math.random)() });
  }

  private failAll(code: string): void {
    const open = [...this.pending.values()];
    this.pending.clear();
    for (const pending of open) {
      clearTimeout(pending.timer);
      pending.reject(new Failure({ kind: 'unknown', code }));
    }
  }

  private now(): number {
    return (this.options.now ?? Date.now)();
  }
}
