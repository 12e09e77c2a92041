import { describe, expect, it } from 'vitest';
import { backoffMs, initialLink, type Link, type LinkInput, type LinkOutput, maxHeld, stepLink } from './link';
import type { PushFrame, Snapshot } from './types';

const snapshot = (seq: number): Snapshot => ({
  seq,
  agent: { id: 'ag_1', name: 'Luis', role: 'agent', presence: 'available', since: '2026-11-24T12:00:00Z' },
  offers: [],
  notices: [],
  lines: [],
});
const event = (seq: number): PushFrame => ({ seq, type: 'agent.updated', data: {} });
const hint: PushFrame = { type: 'contact.changed', data: {} };

function run(link: Link, ...inputs: LinkInput[]): [Link, LinkOutput[]] {
  const outputs: LinkOutput[] = [];
  let state = link;
  for (const input of inputs) {
    const [next, out] = stepLink(state, input);
    state = next;
    outputs.push(...out);
  }
  return [state, outputs];
}

const openAt = (seq: number): Link =>
  run(
    initialLink,
    { type: 'start' },
    { type: 'opened' },
    { type: 'snapshot', snapshot: snapshot(seq), welcome: true },
  )[0];

const kinds = (outputs: LinkOutput[]) => outputs.map((output) => output.type);

describe('the way to open', () => {
  it('connects, greets and applies the snapshot of the welcome', () => {
    const [link, out] = run(
      initialLink,
      { type: 'start' },
      { type: 'opened' },
      { type: 'snapshot', snapshot: snapshot(7), welcome: true },
    );
    expect(kinds(out)).toEqual(['connect', 'hello', 'reset']);
    expect(link).toMatchObject({ phase: 'open', seq: 7, attempt: 0, resync: false });
  });

  it('keeps events that overtake the welcome and drops those the snapshot already holds', () => {
    const [greeting] = run(initialLink, { type: 'start' }, { type: 'opened' });
    const [link, out] = run(
      greeting,
      { type: 'push', frame: event(7) },
      { type: 'push', frame: event(8) },
      { type: 'snapshot', snapshot: snapshot(7), welcome: true },
    );
    expect(out).toEqual([
      { type: 'reset', snapshot: snapshot(7) },
      { type: 'apply', frame: event(8) },
    ]);
    expect(link.seq).toBe(8);
  });

  it('starting twice opens one connection', () => {
    expect(kinds(run(initialLink, { type: 'start' }, { type: 'start' })[1])).toEqual(['connect']);
  });
});

describe('events', () => {
  it('applies the next one, ignores an old one, passes hints on', () => {
    const [link, out] = run(
      openAt(3),
      { type: 'push', frame: event(4) },
      { type: 'push', frame: event(4) },
      { type: 'push', frame: hint },
    );
    expect(out).toEqual([
      { type: 'apply', frame: event(4) },
      { type: 'hint', frame: hint },
    ]);
    expect(link.seq).toBe(4);
  });

  it('fetches one snapshot at a gap and applies nothing until it is here', () => {
    const [gap, out] = run(openAt(3), { type: 'push', frame: event(5) }, { type: 'push', frame: event(6) });
    expect(kinds(out)).toEqual(['fetch_snapshot']);
    const [link, after] = run(gap, { type: 'snapshot', snapshot: snapshot(5), welcome: false });
    expect(after).toEqual([
      { type: 'reset', snapshot: snapshot(5) },
      { type: 'apply', frame: event(6) },
    ]);
    expect(link).toMatchObject({ seq: 6, resync: false, held: [] });
  });

  it('fetches again when the kept events have a gap after the snapshot too', () => {
    const [gap] = run(openAt(3), { type: 'push', frame: event(5) }, { type: 'push', frame: event(9) });
    const [link, out] = run(gap, { type: 'snapshot', snapshot: snapshot(6), welcome: false });
    expect(kinds(out)).toEqual(['reset', 'fetch_snapshot']);
    expect(link.resync).toBe(true);
  });

  it('keeps a bounded number of events while it waits', () => {
    const flood: LinkInput[] = Array.from({ length: maxHeld + 10 }, (_, i) => ({ type: 'push', frame: event(10 + i) }));
    const [link] = run(openAt(3), ...flood);
    expect(link.held).toHaveLength(maxHeld);
  });

  it('breaks the connection when the snapshot cannot be had', () => {
    const [, out] = run(openAt(3), { type: 'push', frame: event(5) }, { type: 'resync_failed' });
    expect(kinds(out)).toEqual(['fetch_snapshot', 'disconnect']);
  });
});

describe('closing', () => {
  it('waits and connects again; hints of a closed link are dropped', () => {
    const [link, out] = run(openAt(3), { type: 'closed', code: 4003, random: 0.5 }, { type: 'push', frame: hint });
    expect(link).toMatchObject({ phase: 'waiting', attempt: 1, closeCode: 4003 });
    expect(kinds(out)).toEqual(['wait']);
    expect(kinds(run(link, { type: 'start' })[1])).toEqual(['connect']);
  });

  it('counts attempts until it is open again', () => {
    let [link] = run(openAt(3), { type: 'closed', code: 1006, random: 0 });
    [link] = run(link, { type: 'start' }, { type: 'closed', code: 1006, random: 0 });
    expect(link.attempt).toBe(2);
    [link] = run(
      link,
      { type: 'start' },
      { type: 'opened' },
      { type: 'snapshot', snapshot: snapshot(1), welcome: true },
    );
    expect(link.attempt).toBe(0);
  });

  it('does not come back with a refused token', () => {
    const [link, out] = run(openAt(3), { type: 'closed', code: 4001, random: 0 });
    expect(link.phase).toBe('refused');
    expect(out).toEqual([]);
  });

  it('stays stopped', () => {
    const [link, out] = run(openAt(3), { type: 'stop' }, { type: 'closed', code: 1000, random: 0 });
    expect(link.phase).toBe('stopped');
    expect(kinds(out)).toEqual(['disconnect']);
  });
});

describe('back-off', () => {
  it.each([
    [1, 1006, 0, 250],
    [1, 1006, 1, 1250],
    [3, 1006, 1, 4250],
    [9, 1006, 1, 15_250],
    [1, 1001, 0, 50],
    [1, 1001, 1, 500],
    [1, 4005, 1, 500],
    [1, 1013, 1, 1250],
    [2, 1001, 1, 2250],
  ])('attempt %i after %i with chance %f waits %i ms', (attempt, code, random, ms) => {
    expect(backoffMs(attempt, code, random)).toBe(ms);
  });
});
