import { describe, expect, it } from 'vitest';
import { formatClock, formatDay, formatDayTime, formatDuration, formatMoney, formatPhone, formatShort } from './format';

const plain = (text: string) => text.replace(/[\u00a0\u202f]/g, ' ');
const now = new Date(2026, 10, 24, 15, 0); // a Tuesday

describe('days', () => {
  it.each([
    [new Date(2026, 10, 24, 0, 1), 'hoje'],
    [new Date(2026, 10, 25, 23, 0), 'amanhã'],
    [new Date(2026, 10, 23, 9, 0), 'ontem'],
  ])('%s is %s', (at, want) => {
    expect(formatDay('pt-BR', at, now)).toBe(want);
  });

  it('names a near day by weekday and a far one with its year', () => {
    expect(formatDay('pt-BR', new Date(2026, 10, 28, 9, 0), now)).toMatch(/sáb.*28.*nov/);
    expect(formatDay('en', new Date(2025, 0, 2), now)).toBe('Jan 2, 2025');
  });

  it('adds the time', () => {
    expect(plain(formatDayTime('pt-BR', new Date(2026, 10, 25, 14, 30), now))).toBe('amanhã, 14:30');
    expect(plain(formatShort('en', new Date(2026, 10, 24, 9, 5), now))).toBe('09:05 AM');
  });
});

describe('lengths', () => {
  it.each([
    [-5, '0:00'],
    [7_400, '0:07'],
    [725_000, '12:05'],
    [3_723_000, '1:02:03'],
  ])('%i ms on the clock is %s', (ms, want) => {
    expect(formatClock(ms)).toBe(want);
  });

  it.each([
    [20_000, '20 s'],
    [60_000, '1 min'],
    [200_000, '3 min 20 s'],
    [3_900_000, '1 h 5 min'],
  ])('%i ms in words is %s', (ms, want) => {
    expect(plain(formatDuration('pt-BR', ms))).toBe(want);
  });
});

describe('money and phones', () => {
  it('writes them as people do', () => {
    expect(plain(formatMoney('pt-BR', 123456))).toBe('R$ 1.234,56');
    expect(formatPhone('+5511987654321')).toBe('+55 11 98765-4321');
    expect(formatPhone('+14155550100')).toBe('+14155550100');
  });
});
