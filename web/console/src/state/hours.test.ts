import { describe, expect, it } from 'vitest';
import type { LineSettings } from '../protocol/types';
import { checkHours, formOf, type HoursForm, hoursOf } from './hours';

const settings: LineSettings = {
  calling: true,
  icon_visible: true,
  callback_permission: true,
  hours: {
    timezone: 'America/Manaus',
    weekly: [
      { day: 'MONDAY', open: '1300', close: '1800' },
      { day: 'MONDAY', open: '0800', close: '1200' },
      { day: 'SATURDAY', open: '0900', close: '1300' },
    ],
    holidays: [{ date: '2026-12-25' }, { date: '2026-12-24', open: '0800', close: '1200' }],
  },
};

const form = (part: Partial<HoursForm>): HoursForm => ({ ...formOf(settings), holidays: [], ...part });

describe('the form of hours', () => {
  it('shows what the server has, in order, and gives it back', () => {
    const shown = formOf(settings);
    expect(shown.days['MONDAY']).toEqual([
      { open: '08:00', close: '12:00' },
      { open: '13:00', close: '18:00' },
    ]);
    expect(shown.days['SUNDAY']).toEqual([]);
    expect(hoursOf(shown)).toEqual({
      timezone: 'America/Manaus',
      weekly: [
        { day: 'MONDAY', open: '0800', close: '1200' },
        { day: 'MONDAY', open: '1300', close: '1800' },
        { day: 'SATURDAY', open: '0900', close: '1300' },
      ],
      holidays: [{ date: '2026-12-25' }, { date: '2026-12-24', open: '0800', close: '1200' }],
    });
  });

  it('sends nothing for around the clock, and proposes hours when switched', () => {
    const round = formOf({ ...settings, hours: null });
    expect(round.allDay).toBe(true);
    expect(hoursOf(round)).toBeNull();
    expect(hoursOf({ ...round, allDay: false })?.weekly).toHaveLength(5);
  });
});

describe('what the server would refuse', () => {
  const day = (...openings: Array<[string, string]>) =>
    checkHours(form({ days: { MONDAY: openings.map(([open, close]) => ({ open, close })) } }));

  it.each([
    ['order', [['12:00', '08:00']]],
    ['order', [['08:00', '08:00']]],
    ['missing', [['', '08:00']]],
    [
      'overlap',
      [
        ['13:00', '18:00'],
        ['08:00', '13:30'],
      ],
    ],
    [
      'too_many',
      [
        ['01:00', '02:00'],
        ['03:00', '04:00'],
        ['05:00', '06:00'],
      ],
    ],
  ] as Array<[string, Array<[string, string]>]>)('%s in %j', (code, openings) => {
    expect(day(...openings)).toEqual([{ where: 'MONDAY', code }]);
  });

  it('takes hours that touch', () => {
    expect(day(['08:00', '12:00'], ['12:00', '18:00'])).toEqual([]);
  });

  it('looks at holidays', () => {
    const closed = { closed: true, open: '08:00', close: '12:00' };
    const holidays = [
      { ...closed, date: '2026-12-25' },
      { ...closed, date: '2026-12-25' },
      { ...closed, date: '' },
      { date: '2026-12-31', closed: false, open: '12:00', close: '08:00' },
    ];
    expect(checkHours(form({ holidays }))).toEqual([
      { where: 'holiday-1', code: 'duplicate' },
      { where: 'holiday-2', code: 'missing' },
      { where: 'holiday-3', code: 'order' },
    ]);
    expect(checkHours(form({ allDay: true, holidays }))).toEqual([]);
  });
});
