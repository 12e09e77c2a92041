import type { Answer, PermissionAction, UserEntry } from './types';

// The actions of the page (sim/PHONE-API.md section 4). New state arrives by the stream, so answers are mostly ignored.

/** Failure is why an action was not done: a code of the server, or `network`, `timeout`, `unreadable`. */
export class Failure extends Error {
  constructor(
    readonly code: string,
    readonly reason = '',
    readonly detail = '',
  ) {
    super(detail || code);
  }
}

const timeoutMs = 15_000;

export function userPath(key: string): string {
  return `/phone-api/${encodeURIComponent(key)}`;
}

/** failureOf reads a problem+json body; anything else becomes `http_<status>`. */
export function failureOf(status: number, body: unknown): Failure {
  const problem = typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {};
  const text = (name: string) => (typeof problem[name] === 'string' ? (problem[name] as string) : '');
  return new Failure(text('code') || `http_${status}`, text('reason'), text('detail') || text('title'));
}

async function request<T>(method: string, path: string, body?: unknown): Promise<T> {
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      headers: body === undefined ? {} : { 'Content-Type': 'application/json' },
      body: body === undefined ? null : JSON.stringify(body),
      signal: AbortSignal.timeout(timeoutMs),
    });
  } catch (err) {
    throw new Failure(err instanceof DOMException && err.name === 'TimeoutError' ? 'timeout' : 'network');
  }
  const text = await response.text().catch(() => '');
  let json: unknown;
  try {
    json = text ? JSON.parse(text) : undefined;
  } catch {
    if (response.ok) throw new Failure('unreadable');
  }
  if (!response.ok) throw failureOf(response.status, json);
  return json as T;
}

export async function listUsers(): Promise<UserEntry[]> {
  const answer = await request<{ users?: UserEntry[] }>('GET', '/phone-api/users');
  return answer?.users ?? [];
}

export type Api = ReturnType<typeof createApi>;

/** createApi binds the actions to one customer. Every one rejects with a Failure and with nothing else. */
export function createApi(key: string) {
  const base = userPath(key);
  const post = <T>(path: string, body: unknown) => request<T>('POST', base + path, body);
  const id = encodeURIComponent;
  return {
    sendText: (pnid: string, text: string) => post<{ id: string }>('/messages', { pnid, text }),
    answer: (message: string, answer: Answer) => post<void>(`/messages/${id(message)}/answer`, { answer }),
    press: (message: string, option: string) => post<{ id: string }>(`/messages/${id(message)}/press`, { id: option }),
    callButton: (message: string) => post<{ call_id: string }>(`/messages/${id(message)}/call`, {}),
    read: (pnid: string) => post<void>('/read', { pnid }),
    permission: (pnid: string, action: PermissionAction) => post<void>('/permission', { pnid, action }),
    call: (pnid: string, payload?: string) =>
      post<{ call_id: string }>('/calls', payload ? { pnid, deeplink_payload: payload } : { pnid }),
    accept: (call: string) => post<void>(`/calls/${id(call)}/accept`, {}),
    decline: (call: string) => post<void>(`/calls/${id(call)}/decline`, {}),
    hangup: (call: string) => post<void>(`/calls/${id(call)}/hangup`, {}),
    mute: (call: string, muted: boolean) => post<void>(`/calls/${id(call)}/mute`, { muted }),
    dtmf: (call: string, digits: string) => post<void>(`/calls/${id(call)}/dtmf`, { digits }),
    audio: (call: string, sdp: string) => post<{ sdp: string }>(`/calls/${id(call)}/audio`, { sdp }),
  };
}
