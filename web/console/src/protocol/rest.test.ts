import { describe, expect, it, vi } from 'vitest';
import { queryString, Rest } from './rest';

function answering(response: () => Promise<Response>) {
  const fetcher = vi.fn((_input: RequestInfo | URL, _init?: RequestInit) => response());
  const unauthorized = vi.fn();
  const headers = () => fetcher.mock.calls[0]?.[1]?.headers as Record<string, string> | undefined;
  return { headers, rest: new Rest(() => 'tok', unauthorized, fetcher as typeof fetch), fetcher, unauthorized };
}

const problem = (status: number, body: unknown) => async () =>
  new Response(JSON.stringify(body), { status, headers: { 'Content-Type': 'application/problem+json' } });

describe('queryString', () => {
  it('leaves out what is unset and escapes the rest', () => {
    expect(queryString({ q: 'Ana & Cia', ongoing: true, mine: false, status: '', limit: 50, cursor: undefined })).toBe(
      '?q=Ana+%26+Cia&ongoing=true&limit=50',
    );
    expect(queryString({})).toBe('');
  });
});

describe('Rest', () => {
  it('sends the token in a header, never in the address', async () => {
    const { rest, fetcher, headers } = answering(async () => Response.json({ items: [] }));
    await rest.contacts({ q: 'ana' });
    expect(fetcher.mock.calls[0]?.[0]).toBe('/v1/contacts?q=ana');
    expect(headers()?.['Authorization']).toBe('Bearer tok');
  });

  it('has no doubt about a reading: nothing can have been written', async () => {
    const { rest } = answering(problem(503, { code: 'maybe_applied' }));
    await expect(rest.contacts({})).rejects.toMatchObject({ kind: 'unavailable', code: 'store_away', status: 503 });
  });

  it('reads problem+json', async () => {
    const { rest } = answering(
      problem(409, { code: 'daily_limit', detail: 'used up', next_allowed_at: '2026-11-25T12:00:00Z' }),
    );
    await expect(rest.contact('ct_1')).rejects.toMatchObject({
      kind: 'conflict',
      code: 'daily_limit',
      detail: 'used up',
      nextAllowedAt: '2026-11-25T12:00:00Z',
      status: 409,
    });
  });

  it('survives an error without JSON', async () => {
    const { rest } = answering(async () => new Response('<html>', { status: 502, statusText: 'Bad Gateway' }));
    await expect(rest.agents()).rejects.toMatchObject({
      kind: 'unavailable',
      code: 'unavailable',
      detail: 'Bad Gateway',
    });
  });

  it('tells of a token that is no longer good', async () => {
    const { rest, unauthorized } = answering(problem(401, {}));
    await expect(rest.agents()).rejects.toMatchObject({ code: 'unauthorized' });
    expect(unauthorized).toHaveBeenCalledOnce();
  });

  it('tells an abort from a broken network', async () => {
    const broken = answering(() => Promise.reject(new TypeError('failed')));
    await expect(broken.rest.agents()).rejects.toMatchObject({ code: 'network' });
    const abort = new AbortController();
    abort.abort();
    await expect(broken.rest.agents(abort.signal)).rejects.toMatchObject({ code: 'aborted' });
  });

  it('saves settings only over the version that was read', async () => {
    const settings = { calling: true, icon_visible: true, callback_permission: false };
    const { rest, headers } = answering(async () => Response.json(settings, { headers: { ETag: '"8"' } }));
    const answer = await rest.saveLineSettings('ln_1', '"7"', settings);
    expect(headers()?.['If-Match']).toBe('"7"');
    expect(answer.etag).toBe('"8"');
  });
});
