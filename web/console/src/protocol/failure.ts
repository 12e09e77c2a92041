import type { ErrorBody, Time } from './types';

/**
 * Failure is the one error of both doors, WebSocket and REST. `code` is stable and chooses the words; `kind` chooses
 * them where the code is not known; `detail` is the server's own English, for support.
 */
export class Failure extends Error {
  readonly kind: string;
  readonly code: string;
  readonly detail: string;
  readonly nextAllowedAt: Time | undefined;
  readonly status: number; // of HTTP, 0 for the WebSocket

  constructor(body: ErrorBody, status = 0) {
    super(body.detail || body.code || body.kind || 'internal');
    this.name = 'Failure';
    this.kind = body.kind ?? 'internal';
    this.code = body.code ?? this.kind;
    this.detail = body.detail ?? '';
    this.nextAllowedAt = body.next_allowed_at;
    this.status = status;
  }
}

/** asFailure makes a Failure of whatever was thrown. */
export function asFailure(err: unknown): Failure {
  if (err instanceof Failure) return err;
  if (err instanceof DOMException && err.name === 'AbortError')
    return new Failure({ kind: 'aborted', code: 'aborted' });
  const detail = err instanceof Error ? err.message : String(err);
  return new Failure({ kind: 'internal', code: 'client', detail });
}
