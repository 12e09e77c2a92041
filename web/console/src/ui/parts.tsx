import type { ComponentChildren, JSX, TargetedKeyboardEvent, TargetedMouseEvent } from 'preact';
import { useEffect, useId, useRef } from 'preact/hooks';
import { failureText, t, word } from '../i18n';
import type { Failure } from '../protocol/failure';
import { Icon, type IconName } from './icons';

// The smallest parts of every screen.

export type Tone = 'plain' | 'accent' | 'good' | 'bad' | 'ghost';

interface ButtonProps {
  tone?: Tone;
  icon?: IconName;
  small?: boolean;
  testid?: string;
  children?: ComponentChildren;
  label?: string; // for a button that shows only its icon
  disabled?: boolean;
  busy?: boolean;
  pressed?: boolean;
  expanded?: boolean;
  controls?: string;
  describedBy?: string;
  submit?: boolean;
  onClick?: (ev: TargetedMouseEvent<HTMLButtonElement>) => void;
}

/** Button is a real button; when disabled for a reason that describedBy tells, it stays reachable by keyboard. */
export function Button(props: ButtonProps): JSX.Element {
  const soft = props.describedBy !== undefined && props.disabled === true;
  const off = props.disabled === true || props.busy === true;
  const iconOnly = props.children === undefined || props.children === null;
  return (
    <button
      type={props.submit ? 'submit' : 'button'}
      class={`button ${props.tone ?? 'plain'}${props.small ? ' small' : ''}${iconOnly ? ' icon-only' : ''}`}
      data-testid={props.testid}
      aria-label={props.label}
      title={iconOnly ? props.label : undefined}
      aria-pressed={props.pressed}
      aria-expanded={props.expanded}
      aria-controls={props.controls}
      aria-describedby={props.describedBy}
      aria-busy={props.busy || undefined}
      aria-disabled={soft || undefined}
      disabled={off && !soft}
      onClick={soft ? (ev) => ev.preventDefault() : props.onClick}
    >
      {props.icon && <Icon name={props.icon} size={props.small ? 16 : 18} />}
      {!iconOnly && <span>{props.children}</span>}
    </button>
  );
}

/** Avatar draws initials; the name is always beside it. */
export function Avatar({ name, large }: { name: string; large?: boolean }): JSX.Element {
  const words = name.trim().split(/\s+/).filter(Boolean);
  const first = [...(words[0] ?? '')][0] ?? '';
  const last = words.length > 1 ? ([...(words.at(-1) ?? '')][0] ?? '') : '';
  let hue = 0;
  for (const char of name) hue = (hue * 31 + (char.codePointAt(0) ?? 0)) % 6;
  return (
    <span class={`avatar hue-${hue}${large ? ' large' : ''}`} aria-hidden="true">
      {/^[\p{L}]/u.test(first) ? (first + last).toUpperCase() : <Icon name="people" size={large ? 24 : 16} />}
    </span>
  );
}

export function PresenceDot({ presence }: { presence: string }): JSX.Element {
  return <span class={`dot presence-${presence}`} aria-hidden="true" />;
}

export function presenceText(presence: string): string {
  return word('presence', presence, 'presence.unknown');
}

export function Badge({
  tone,
  children,
  testid,
}: {
  tone?: string;
  children: ComponentChildren;
  testid?: string;
}): JSX.Element {
  return (
    <span class={`badge ${tone ?? ''}`} data-testid={testid}>
      {children}
    </span>
  );
}

export function Spinner({ label }: { label: string }): JSX.Element {
  return (
    <span class="spinner" role="status">
      <span class="wheel" aria-hidden="true" />
      <span>{label}</span>
    </span>
  );
}

export function Empty({
  title,
  children,
  testid,
}: {
  title: string;
  children?: ComponentChildren;
  testid?: string;
}): JSX.Element {
  return (
    <div class="empty" data-testid={testid}>
      <p class="empty-title">{title}</p>
      {children && <div class="muted">{children}</div>}
    </div>
  );
}

/** Failed says what went wrong in words, with a way to try again. */
export function Failed({ failure, onRetry }: { failure: Failure; onRetry?: () => void }): JSX.Element {
  return (
    <div class="failed" role="alert" data-testid="failed" data-code={failure.code}>
      <Icon name="alert" />
      <p>{failureText(failure)}</p>
      {onRetry && (
        <Button small onClick={onRetry} testid="retry">
          {t('action.retry')}
        </Button>
      )}
    </div>
  );
}

interface FieldProps {
  label: string;
  hint?: string;
  error?: string;
  children: (ids: { id: string; describedBy: string | undefined }) => ComponentChildren;
}

/** Field ties a label, a hint and an error to one control. */
export function Field({ label, hint, error, children }: FieldProps): JSX.Element {
  const id = useId();
  const describedBy = error ? `${id}-error` : hint ? `${id}-hint` : undefined;
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children({ id, describedBy })}
      {hint && !error && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
      {error && (
        <p class="field-error" id={`${id}-error`}>
          {error}
        </p>
      )}
    </div>
  );
}

export interface Option {
  value: string;
  text: string;
}

export function Select(props: {
  label: string;
  value: string;
  options: readonly Option[];
  onChange: (value: string) => void;
  testid?: string;
  hint?: string;
  disabled?: boolean;
}): JSX.Element {
  return (
    <Field label={props.label} hint={props.hint}>
      {({ id, describedBy }) => (
        <select
          id={id}
          aria-describedby={describedBy}
          data-testid={props.testid}
          value={props.value}
          disabled={props.disabled}
          onChange={(ev) => props.onChange(ev.currentTarget.value)}
        >
          {props.options.map((option) => (
            <option key={option.value} value={option.value} selected={option.value === props.value}>
              {option.text}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

/** Switch is a checkbox drawn as a switch, with its words beside it. */
export function Switch(props: {
  label: string;
  hint?: string;
  checked: boolean;
  onChange: (checked: boolean) => void;
  testid?: string;
  disabled?: boolean;
}): JSX.Element {
  const id = useId();
  return (
    <div class="switch-row">
      <input
        id={id}
        type="checkbox"
        class="switch"
        checked={props.checked}
        disabled={props.disabled}
        aria-describedby={props.hint ? `${id}-hint` : undefined}
        data-testid={props.testid}
        onChange={(ev) => props.onChange(ev.currentTarget.checked)}
      />
      <div>
        <label for={id}>{props.label}</label>
        {props.hint && (
          <p class="hint" id={`${id}-hint`}>
            {props.hint}
          </p>
        )}
      </div>
    </div>
  );
}

interface PopoverProps {
  icon?: IconName;
  label: string;
  testid: string;
  open: boolean;
  onOpen: (open: boolean) => void;
  button: ComponentChildren;
  children: ComponentChildren;
  buttonClass?: string;
}

/** Popover is a button with a panel below; Esc and a click outside close it and focus returns to the button. */
export function Popover(props: PopoverProps): JSX.Element {
  const id = useId();
  const root = useRef<HTMLDivElement>(null);
  const { open, onOpen } = props;
  useEffect(() => {
    if (!open) return;
    const outside = (ev: PointerEvent) => {
      if (!root.current?.contains(ev.target as Node)) onOpen(false);
    };
    document.addEventListener('pointerdown', outside);
    return () => document.removeEventListener('pointerdown', outside);
  }, [open, onOpen]);
  const onEscape = (ev: TargetedKeyboardEvent<HTMLDivElement>) => {
    if (ev.key !== 'Escape' || !open) return;
    ev.stopPropagation();
    onOpen(false);
    root.current?.querySelector<HTMLButtonElement>('button')?.focus();
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: Escape is handled for whatever inside has the focus
    <div class="popover" ref={root} onKeyDown={onEscape}>
      <button
        type="button"
        class={props.buttonClass ?? 'button ghost'}
        aria-expanded={open}
        aria-controls={open ? id : undefined}
        aria-label={props.label}
        title={props.label}
        data-testid={props.testid}
        onClick={() => onOpen(!open)}
      >
        {props.button}
      </button>
      {open && (
        <section class="popover-panel" id={id} aria-label={props.label}>
          {props.children}
        </section>
      )}
    </div>
  );
}
