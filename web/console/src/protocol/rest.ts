import { Failure } from './failure';
import type {
  CallTrace,
  CallView,
  Colleague,
  ContactView,
  EligibilityView,
  LineSettings,
  MessageView,
  Page,
  PersonView,
} from './types';

export type Query = Record<string, string | number | boolean | undefined>;

/** queryString leaves out what is unset, false or empty, in the given order. */
export function queryString(query: Query): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined || value === false || value === '') continue;
    params.set(name, String(value));
  }
  const text = params.toString();
  return text ? `?${text}` : '';
}

const timeoutMs = 15_000;

interface Problem {
  code?: string;
  title?: string;
  detail?: string;
  next_allowed_at?: string;
}

const kindOfStatus: Record<number, string> = {
  400: 'invalid',
  401: 'denied',
  403: 'denied',
  404: 'not_found',
  409: 'conflict',
  412: 'conflict',
  422: 'invalid',
  429: 'exhausted',
  502: 'unavailable',
  503: 'unavailable',
  504: 'unavailable',
};

/** failureOf reads problem+json (RFC 9457) and survives a body that is something else. */
export async function failureOf(response: Response): Promise<Failure> {
  let problem: Problem = {};
  try {
    problem = (await response.json()) as Problem;
  } catch {
    problem = { detail: response.statusText };
  }
  const kind = kindOfStatus[response.status] ?? 'internal';
  return new Failure(
    {
      kind,
      code: problem.code ?? (response.status === 401 ? 'unauthorized' : kind),
      detail: problem.detail ?? problem.title ?? '',
      next_allowed_at: problem.next_allowed_at,
    },
    response.status,
  );
}

/** withoutDoubt: a reading that got no answer changed nothing, so the record is away and no more than that. */
function withoutDoubt(err: unknown): unknown {
  if (!(err instanceof Failure) || err.code !== 'maybe_applied') return err;
  return new Failure({ kind: err.kind, code: 'store_away', detail: err.detail }, err.status);
}

/** Rest reads lists and cards over HTTP. It keeps nothing. An aborted call rejects with a Failure of code "aborted". */
export class Rest {
  constructor(
    private readonly token: () => string,
    private readonly onUnauthorized: () => void,
    private readonly fetcher: typeof fetch = (input, init) => fetch(input, init),
  ) {}

  contacts(query: Query, signal?: AbortSignal): Promise<Page<ContactView>> {
    return this.get(`/v1/contacts${queryString(query)}`, signal);
  }

  contact(id: string, signal?: AbortSignal): Promise<ContactView> {
    return this.get(`/v1/contacts/${encodeURIComponent(id)}`, signal);
  }

  eligibility(contact: string, line: string, signal?: AbortSignal): Promise<EligibilityView> {
    const path = `/v1/contacts/${encodeURIComponent(contact)}/call-eligibility`;
    return this.get(path + queryString({ line_id: line }), signal);
  }

  messages(contact: string, query: Query, signal?: AbortSignal): Promise<Page<MessageView>> {
    return this.get(`/v1/contacts/${encodeURIComponent(contact)}/messages${queryString(query)}`, signal);
  }

  colleagues(contact: string, call: string, signal?: AbortSignal): Promise<{ items: Colleague[] | null }> {
    const path = `/v1/contacts/${encodeURIComponent(contact)}/colleagues`;
    return this.get(path + queryString({ call_id: call }), signal);
  }

  calls(query: Query, signal?: AbortSignal): Promise<Page<CallView>> {
    return this.get(`/v1/calls${queryString(query)}`, signal);
  }

  call(id: string, signal?: AbortSignal): Promise<CallTrace> {
    return this.get(`/v1/calls/${encodeURIComponent(id)}`, signal);
  }

  agents(signal?: AbortSignal): Promise<{ items: PersonView[] | null }> {
    return this.get('/v1/agents', signal);
  }

  async lineSettings(line: string, signal?: AbortSignal): Promise<{ settings: LineSettings; etag: string }> {
    const response = await this.fetch(`/v1/lines/${encodeURIComponent(line)}/settings`, { signal });
    return { settings: await response.json(), etag: response.headers.get('ETag') ?? '' };
  }

  async saveLineSettings(
    line: string,
    etag: string,
    settings: LineSettings,
  ): Promise<{ settings: LineSettings; etag: string }> {
    const response = await this.fetch(`/v1/lines/${encodeURIComponent(line)}/settings`, {
      method: 'PUT',
      headers: { 'Content-Type': 'application/json', 'If-Match': etag },
      body: JSON.stringify(settings),
    });
    return { settings: await response.json(), etag: response.headers.get('ETag') ?? '' };
  }

  private async get<T>(path: string, signal?: AbortSignal): Promise<T> {
    try {
      const response = await this.fetch(path, { signal });
      return (await response.json()) as T;
    } catch (err) {
      throw withoutDoubt(err);
    }
  }

  private async fetch(path: string, init: RequestInit): Promise<Response> {
    const limit = AbortSignal.timeout(timeoutMs);
    const signal = init.signal ? AbortSignal.any([init.signal, limit]) : limit;
    const headers = { Accept: 'application/json', Authorization: `Bearer ${this.token()}`, ...init.headers };
    let response: Response;
    try {
      response = await this.fetcher(path, { ...init, headers, signal, cache: 'no-store' });
    } catch (err) {
      if (init.signal?.aborted) throw new Failure({ kind: 'aborted', code: 'aborted' });
      if (limit.aborted) throw new Failure({ kind: 'unavailable', code: 'timeout' });
      throw new Failure({ kind: 'unavailable', code: 'network', detail: err instanceof Error ? err.message : '' });
    }
    if (response.ok) return response;
    const failure = await failureOf(response);
    if (failure.status === 401) this.onUnauthorized();
    throw failure;
  }
}
