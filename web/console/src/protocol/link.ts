import type { PushFrame, ReplyFrame, Snapshot } from './types';

// The link is the pure core of the connection: it says in which phase we are, which events may be applied and when a
// snapshot must be fetched. It holds no socket, clock or timer; AgentSocket (socket.ts) is its shell.
//
//            start            opened            welcome
//   stopped ------> connecting ----> greeting ---------> open
//      ^               ^  |             |                 |  gap: resync
//      | refused(4001) |  +---- closed -+------ closed ---+
//      +---------------+--- waiting <---------------------+

export type Phase = 'stopped' | 'connecting' | 'greeting' | 'open' | 'waiting' | 'refused';

export interface Link {
  phase: Phase;
  attempt: number; // failed attempts since the link was last open
  retryInMs: number; // in phase waiting: how long, otherwise 0
  seq: number; // of the last event applied
  resync: boolean; // a snapshot is on its way; events are kept until it is here
  held: PushFrame[]; // events that came while waiting for a snapshot
  closeCode: number;
}

export const initialLink: Link = {
  phase: 'stopped',
  attempt: 0,
  retryInMs: 0,
  seq: 0,
  resync: false,
  held: [],
  closeCode: 0,
};

/** maxHeld bounds what is kept while a snapshot is on its way; above it, the oldest go and another snapshot is fetched. */
export const maxHeld = 512;

export type LinkInput =
  | { type: 'start' }
  | { type: 'stop' }
  | { type: 'opened' }
  | { type: 'push'; frame: PushFrame }
  | { type: 'snapshot'; snapshot: Snapshot; welcome: boolean }
  | { type: 'resync_failed' }
  | { type: 'closed'; code: number; random: number };

export type LinkOutput =
  | { type: 'connect' }
  | { type: 'hello' }
  | { type: 'disconnect' }
  | { type: 'wait'; ms: number }
  | { type: 'apply'; frame: PushFrame }
  | { type: 'hint'; frame: PushFrame }
  | { type: 'reset'; snapshot: Snapshot }
  | { type: 'fetch_snapshot' };

/** closeTokenRefused is the close code after which trying again makes no sense. */
export const closeTokenRefused = 4001;

const elsewhere: readonly number[] = [1001, 4005]; // the node is draining, or the agent is served by another one

/** backoffMs grows from 0.5 s to 15 s with full jitter above a floor; another node is looked for at once. */
export function backoffMs(attempt: number, code: number, random: number): number {
  if (elsewhere.includes(code) && attempt <= 1) return Math.round(50 + random * 450);
  const ceiling = Math.min(15_000, 500 * 2 ** Math.min(attempt, 6));
  return Math.round(250 + random * ceiling);
}

/** stepLink is total: an input that has no meaning in a phase changes nothing. */
export function stepLink(link: Link, input: LinkInput): [Link, LinkOutput[]] {
  switch (input.type) {
    case 'start':
      if (link.phase === 'connecting' || link.phase === 'greeting' || link.phase === 'open') return [link, []];
      return [{ ...link, phase: 'connecting', retryInMs: 0 }, [{ type: 'connect' }]];
    case 'stop':
      if (link.phase === 'stopped') return [link, []];
      return [{ ...initialLink }, [{ type: 'disconnect' }]];
    case 'opened':
      if (link.phase !== 'connecting') return [link, []];
      return [{ ...link, phase: 'greeting', resync: true, held: [] }, [{ type: 'hello' }]];
    case 'closed':
      return closed(link, input.code, input.random);
    case 'push':
      return pushed(link, input.frame);
    case 'snapshot':
      return snapshotted(link, input.snapshot, input.welcome);
    case 'resync_failed':
      if (link.phase !== 'open' || !link.resync) return [link, []];
      return [link, [{ type: 'disconnect' }]];
  }
}

function closed(link: Link, code: number, random: number): [Link, LinkOutput[]] {
  if (link.phase === 'stopped' || link.phase === 'waiting' || link.phase === 'refused') return [link, []];
  const base = { ...link, resync: false, held: [], closeCode: code };
  if (code === closeTokenRefused) return [{ ...base, phase: 'refused', retryInMs: 0 }, []];
  const attempt = link.attempt + 1;
  const ms = backoffMs(attempt, code, random);
  return [{ ...base, phase: 'waiting', attempt, retryInMs: ms }, [{ type: 'wait', ms }]];
}

function pushed(link: Link, frame: PushFrame): [Link, LinkOutput[]] {
  if (link.phase !== 'open' && link.phase !== 'greeting') return [link, []];
  if (!frame.seq) return [link, [{ type: 'hint', frame }]];
  if (link.resync) {
    const held = [...link.held, frame];
    if (held.length > maxHeld) held.shift();
    return [{ ...link, held }, []];
  }
  if (frame.seq <= link.seq) return [link, []]; // already part of the snapshot
  if (frame.seq === link.seq + 1) return [{ ...link, seq: frame.seq }, [{ type: 'apply', frame }]];
  return [{ ...link, resync: true, held: [frame] }, [{ type: 'fetch_snapshot' }]];
}

function snapshotted(link: Link, snapshot: Snapshot, welcome: boolean): [Link, LinkOutput[]] {
  if (link.phase !== 'open' && !(link.phase === 'greeting' && welcome)) return [link, []];
  const next: Link = { ...link, phase: 'open', attempt: 0, seq: snapshot.seq, resync: false, held: [], closeCode: 0 };
  const out: LinkOutput[] = [{ type: 'reset', snapshot }];
  let state = next;
  for (const frame of link.held) {
    const [after, more] = pushed(state, frame);
    state = after;
    out.push(...more);
  }
  return [state, out];
}

/** isReply tells a reply from an event. */
export function isReply(frame: unknown): frame is ReplyFrame {
  return typeof frame === 'object' && frame !== null && typeof (frame as ReplyFrame).re === 'string';
}

/** isPush tells an event or hint from anything else. */
export function isPush(frame: unknown): frame is PushFrame {
  return typeof frame === 'object' && frame !== null && typeof (frame as PushFrame).type === 'string';
}
