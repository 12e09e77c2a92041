import { describe, expect, it } from 'vitest';
import { problemOf } from './microphone';
import { plan } from './ringtone';

describe('the plan of a ring', () => {
  it('ends with its deadline', () => {
    for (const seconds of [0.1, 1, 4.2, 25]) {
      for (const burst of plan(seconds)) expect(burst.at + burst.seconds).toBeLessThanOrEqual(seconds + 1e-9);
    }
  });

  it('repeats, and is sparse when discreet', () => {
    expect(plan(9).filter((burst) => burst.hz === 660)).toHaveLength(6);
    expect(plan(9, true)).toHaveLength(2);
    expect(plan(0)).toEqual([]);
  });
});

describe('why there is no microphone', () => {
  it.each([
    ['NotAllowedError', 'denied'],
    ['NotFoundError', 'absent'],
    ['NotReadableError', 'busy'],
    ['OverconstrainedError', 'absent'],
    ['TypeError', 'failed'],
  ])('%s means %s', (name, want) => {
    expect(problemOf(new DOMException('x', name))).toBe(want);
  });
});
