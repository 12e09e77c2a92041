import { describe, expect, it } from 'vitest';
import { clampGain, gainOf, legByMid } from './slots';

describe('volumes', () => {
  it.each([
    [-1, 0],
    [0, 0],
    [1.35, 1.35],
    [9, 2],
    [Number.NaN, 1],
  ])('%f is kept as %f', (gain, want) => {
    expect(clampGain(gain)).toBe(want);
  });

  it('prefers my latest wish, then what the server remembers, then 1', () => {
    expect(gainOf('a', { a: 0 }, { a: 2 })).toBe(0);
    expect(gainOf('a', {}, { a: 2 })).toBe(2);
    expect(gainOf('a', {}, undefined)).toBe(1);
  });
});

describe('slots', () => {
  it('leaves out free tracks', () => {
    const map = legByMid([
      { mid: '0', leg_id: 'lg_1' },
      { mid: '1', leg_id: '' },
    ]);
    expect([...map]).toEqual([['0', 'lg_1']]);
  });
});
