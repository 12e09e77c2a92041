// @vitest-environment happy-dom
import { describe, expect, it } from 'vitest';
import { othersAmong } from './tabs';
import { type Broken, repair } from './takeover';

const broken = (part: Partial<Broken>): Broken => ({
  online: true,
  missed: false,
  goodbye: false,
  announced: false,
  gone: false,
  brokenMs: 0,
  ...part,
});

describe('a broken connection', () => {
  it.each([
    ['ended as announced: taken', { goodbye: true, announced: true }, 'yield'],
    ['ended, and the view may come yet', { goodbye: true, brokenMs: 900 }, 'wait'],
    ['ended, and the leg lives', { goodbye: true, brokenMs: 1_000 }, 'yield'],
    [
      'ended while a taking-over is under way',
      { goodbye: true, announced: true, missed: true, brokenMs: 3_000 },
      'wait',
    ],
    ['ended, and the taking-over failed', { goodbye: true, announced: true, missed: true, brokenMs: 3_500 }, 'attach'],
    ['ended, and nobody took it', { goodbye: true, missed: true, brokenMs: 1_500 }, 'attach'],
    ['missed by the server, for a moment', { missed: true, brokenMs: 1_000 }, 'wait'],
    ['missed by the server', { missed: true, brokenMs: 1_500 }, 'attach'],
    ['silent, but not missed', { brokenMs: 60_000 }, 'wait'],
    ['failed, and not missed', { gone: true, brokenMs: 6_001 }, 'yield'],
    ['failed just now', { gone: true, brokenMs: 1_600 }, 'wait'],
    ['offline the view is old', { online: false, goodbye: true, gone: true, brokenMs: 60_000 }, 'wait'],
  ] as const)('%s', (_name, part, next) => {
    expect(repair(broken(part))).toBe(next);
  });
});

describe('the other tabs', () => {
  it('are those that hold a lock of their own', () => {
    const names = ['ramal.tab.ag.a', 'ramal.tab.ag.b', 'ramal.tab.ag2.c', 'ramal.audio.ag'];
    expect(othersAmong(names, 'ramal.tab.ag.', 'a')).toBe(1);
    expect(othersAmong(['ramal.tab.ag.a'], 'ramal.tab.ag.', 'a')).toBe(0);
  });
});
