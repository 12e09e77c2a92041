import type { JSX } from 'preact';
import { t, word } from '../i18n';
import {
  checkHours,
  type HolidayRow,
  type HoursError,
  type HoursForm,
  maxHolidays,
  maxOpeningsADay,
  type Opening,
  usualZone,
  weekDays,
} from '../state/hours';
import { Button, Field } from '../ui/parts';

const zones = [
  usualZone,
  'America/Manaus',
  'America/Cuiaba',
  'America/Fortaleza',
  'America/Recife',
  'America/Bahia',
  'America/Belem',
  'America/Rio_Branco',
  'America/Noronha',
  'UTC',
] as const;

interface Props {
  form: HoursForm;
  onChange: (form: HoursForm) => void;
}

/** HoursEditor chooses between around the clock and weekly hours with holidays. */
export function HoursEditor({ form, onChange }: Props): JSX.Element {
  const errors = checkHours(form);
  return (
    <fieldset class="hours" data-testid="hours">
      <legend>{t('hours.title')}</legend>
      {([true, false] as const).map((allDay) => (
        <label key={String(allDay)} class="radio">
          <input
            type="radio"
            name="hours"
            checked={form.allDay === allDay}
            data-testid={allDay ? 'hours-all-day' : 'hours-business'}
            onChange={() => onChange({ ...form, allDay })}
          />
          {t(allDay ? 'hours.all_day' : 'hours.business')}
        </label>
      ))}
      {!form.allDay && (
        <>
          <Zone form={form} onChange={onChange} />
          <Week form={form} onChange={onChange} errors={errors} />
          <Holidays form={form} onChange={onChange} errors={errors} />
        </>
      )}
    </fieldset>
  );
}

function Zone({ form, onChange }: Props): JSX.Element {
  const options = new Set<string>([...zones, form.timezone]);
  return (
    <Field label={t('hours.zone')}>
      {({ id }) => (
        <select
          id={id}
          data-testid="hours-zone"
          value={form.timezone}
          onChange={(ev) => onChange({ ...form, timezone: ev.currentTarget.value })}
        >
          {[...options].map((zone) => (
            <option key={zone} value={zone} selected={zone === form.timezone}>
              {zone.replaceAll('_', ' ')}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

function errorText(errors: readonly HoursError[], where: string): string {
  const error = errors.find((known) => known.where === where);
  return error ? word('hours.error', error.code, 'hours.error.missing') : '';
}

function Week({ form, onChange, errors }: Props & { errors: readonly HoursError[] }): JSX.Element {
  const set = (day: string, openings: Opening[]) => onChange({ ...form, days: { ...form.days, [day]: openings } });
  return (
    <div class="week">
      {weekDays.map((day) => {
        const openings = form.days[day] ?? [];
        const name = word('weekday', day, 'weekday.unknown');
        const error = errorText(errors, day);
        return (
          <div key={day} class="week-day" role="group" aria-label={name} data-testid={`day-${day}`}>
            <span class="day-name">{name}</span>
            <div class="openings">
              {openings.length === 0 && <span class="muted">{t('hours.closed')}</span>}
              {openings.map((opening, index) => (
                <OpeningRow
                  key={index}
                  opening={opening}
                  day={name}
                  onChange={(next) => set(day, openings.with(index, next))}
                  onRemove={() => set(day, openings.toSpliced(index, 1))}
                />
              ))}
              {error && (
                <p class="field-error" role="alert">
                  {error}
                </p>
              )}
            </div>
            {openings.length < maxOpeningsADay && (
              <Button
                small
                tone="ghost"
                label={t('hours.add_opening_on', { day: name })}
                onClick={() => set(day, [...openings, nextOpening(openings)])}
              >
                {t('hours.add_opening')}
              </Button>
            )}
          </div>
        );
      })}
    </div>
  );
}

/** nextOpening proposes hours that do not overlap with the morning. */
function nextOpening(openings: readonly Opening[]): Opening {
  const last = openings.at(-1);
  if (!last) return { open: '08:00', close: '18:00' };
  return last.close <= '13:00' ? { open: '14:00', close: '18:00' } : { open: last.close, close: '23:00' };
}

function OpeningRow(props: {
  opening: Opening;
  day: string;
  onChange: (opening: Opening) => void;
  onRemove: () => void;
}): JSX.Element {
  const { opening, day, onChange, onRemove } = props;
  return (
    <span class="opening">
      <input
        type="time"
        aria-label={t('hours.open_at', { day })}
        value={opening.open}
        onChange={(ev) => onChange({ ...opening, open: ev.currentTarget.value })}
      />
      <span aria-hidden="true">–</span>
      <input
        type="time"
        aria-label={t('hours.close_at', { day })}
        value={opening.close}
        onChange={(ev) => onChange({ ...opening, close: ev.currentTarget.value })}
      />
      <Button small tone="ghost" icon="close" label={t('hours.remove_opening', { day })} onClick={onRemove} />
    </span>
  );
}

function Holidays({ form, onChange, errors }: Props & { errors: readonly HoursError[] }): JSX.Element {
  const rows = form.holidays;
  const set = (holidays: HolidayRow[]) => onChange({ ...form, holidays });
  return (
    <div class="holidays" data-testid="holidays">
      <h2>{t('hours.holidays')}</h2>
      {rows.length === 0 && <p class="muted">{t('hours.no_holidays')}</p>}
      {rows.map((row, index) => (
        <Holiday
          key={index}
          row={row}
          error={errorText(errors, `holiday-${index}`)}
          onChange={(next) => set(rows.with(index, next))}
          onRemove={() => set(rows.toSpliced(index, 1))}
        />
      ))}
      {rows.length < maxHolidays ? (
        <Button
          small
          testid="holiday-add"
          onClick={() => set([...rows, { date: '', closed: true, open: '08:00', close: '12:00' }])}
        >
          {t('hours.add_holiday')}
        </Button>
      ) : (
        <p class="muted">{t('hours.holidays_full', { count: maxHolidays })}</p>
      )}
    </div>
  );
}

function Holiday(props: {
  row: HolidayRow;
  error: string;
  onChange: (row: HolidayRow) => void;
  onRemove: () => void;
}): JSX.Element {
  const { row, error, onChange, onRemove } = props;
  return (
    <div class="holiday" data-testid="holiday">
      <input
        type="date"
        aria-label={t('hours.holiday_date')}
        value={row.date}
        onChange={(ev) => onChange({ ...row, date: ev.currentTarget.value })}
      />
      <label class="radio">
        <input
          type="checkbox"
          checked={row.closed}
          onChange={(ev) => onChange({ ...row, closed: ev.currentTarget.checked })}
        />
        {t('hours.closed_all_day')}
      </label>
      {!row.closed && (
        <OpeningRow
          opening={row}
          day={row.date || t('hours.holiday_date')}
          onChange={(next) => onChange({ ...row, ...next })}
          onRemove={() => onChange({ ...row, closed: true })}
        />
      )}
      <Button small tone="ghost" icon="close" label={t('hours.remove_holiday')} onClick={onRemove} />
      {error && (
        <p class="field-error" role="alert">
          {error}
        </p>
      )}
    </div>
  );
}
