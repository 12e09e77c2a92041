import type { Holiday, LineHours, LineSettings, WeeklyHours } from '../protocol/types';

// The hours editor's own form of LineHours: times as "HH:MM", one row for each week day. Pure.

export const weekDays = ['MONDAY', 'TUESDAY', 'WEDNESDAY', 'THURSDAY', 'FRIDAY', 'SATURDAY', 'SUNDAY'] as const;
export const maxHolidays = 20;
export const maxOpeningsADay = 2;

export interface Opening {
  open: string; // HH:MM
  close: string; // HH:MM
}

export interface HolidayRow {
  date: string; // YYYY-MM-DD
  closed: boolean;
  open: string;
  close: string;
}

export interface HoursForm {
  allDay: boolean; // around the clock: no hours at all
  timezone: string;
  days: Record<string, Opening[]>;
  holidays: HolidayRow[];
}

export type HoursError =
  | { where: string; code: 'order' | 'overlap' | 'missing' | 'too_many' }
  | { where: `holiday-${number}`; code: 'order' | 'missing' | 'duplicate' };

export const usualZone = 'America/Sao_Paulo';
const usual: Opening = { open: '08:00', close: '18:00' };

/** withColon turns the wire's HHMM into HH:MM; withoutColon turns it back. */
export function withColon(text: string): string {
  return /^\d{4}$/.test(text) ? `${text.slice(0, 2)}:${text.slice(2)}` : text;
}

export function withoutColon(text: string): string {
  return text.replace(':', '');
}

export function formOf(settings: LineSettings): HoursForm {
  const hours = settings.hours;
  const days: Record<string, Opening[]> = {};
  for (const day of weekDays) days[day] = [];
  if (!hours) {
    for (const day of weekDays.slice(0, 5)) days[day] = [{ ...usual }];
    return { allDay: true, timezone: usualZone, days, holidays: [] };
  }
  for (const row of hours.weekly ?? []) days[row.day]?.push({ open: withColon(row.open), close: withColon(row.close) });
  for (const day of weekDays) days[day]?.sort((a, b) => a.open.localeCompare(b.open));
  const holidays = (hours.holidays ?? []).map((holiday) => ({
    date: holiday.date,
    closed: !holiday.open,
    open: withColon(holiday.open ?? '') || usual.open,
    close: withColon(holiday.close ?? '') || usual.close,
  }));
  return { allDay: false, timezone: hours.timezone, days, holidays };
}

/** hoursOf is what goes to the server; null stands for around the clock. */
export function hoursOf(form: HoursForm): LineHours | null {
  if (form.allDay) return null;
  const weekly: WeeklyHours[] = [];
  for (const day of weekDays) {
    for (const opening of form.days[day] ?? []) {
      weekly.push({ day, open: withoutColon(opening.open), close: withoutColon(opening.close) });
    }
  }
  const holidays: Holiday[] = form.holidays.map((row) =>
    row.closed ? { date: row.date } : { date: row.date, open: withoutColon(row.open), close: withoutColon(row.close) },
  );
  return { timezone: form.timezone, weekly, holidays };
}

/** checkHours finds what the server would refuse, so that it can be said beside the field. */
export function checkHours(form: HoursForm): HoursError[] {
  if (form.allDay) return [];
  const errors: HoursError[] = [];
  for (const day of weekDays) {
    const code = checkDay(form.days[day] ?? []);
    if (code) errors.push({ where: day, code });
  }
  const seen = new Set<string>();
  form.holidays.forEach((row, index) => {
    const where = `holiday-${index}` as const;
    if (!row.date || (!row.closed && (!row.open || !row.close))) errors.push({ where, code: 'missing' });
    else if (seen.has(row.date)) errors.push({ where, code: 'duplicate' });
    else if (!row.closed && row.open >= row.close) errors.push({ where, code: 'order' });
    seen.add(row.date);
  });
  return errors;
}

function checkDay(openings: readonly Opening[]): 'order' | 'overlap' | 'missing' | 'too_many' | null {
  if (openings.length > maxOpeningsADay) return 'too_many';
  if (openings.some((opening) => !opening.open || !opening.close)) return 'missing';
  if (openings.some((opening) => opening.open >= opening.close)) return 'order';
  const [first, second] = [...openings].sort((a, b) => a.open.localeCompare(b.open));
  if (first && second && second.open < first.close) return 'overlap';
  return null;
}
