import type { ComponentChildren, JSX, TargetedKeyboardEvent } from 'preact';
import { useEffect, useRef } from 'preact/hooks';

const focusable =
  'button:not([disabled]), a[href], input:not([disabled]), select:not([disabled]), textarea:not([disabled])';

interface AlertDialogProps {
  labelledBy: string;
  describedBy: string;
  testid: string;
  children: ComponentChildren;
}

/**
 * AlertDialog takes the focus when it appears, keeps Tab inside and gives the focus back when it goes. The focus stands
 * on the dialog itself, not on a button: who is typing when it appears accepts or declines nothing. Escape does nothing.
 */
export function AlertDialog({ labelledBy, describedBy, testid, children }: AlertDialogProps): JSX.Element {
  const root = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const before = document.activeElement instanceof HTMLElement ? document.activeElement : null;
    root.current?.focus();
    return () => {
      if (before?.isConnected) before.focus();
    };
  }, []);
  const keys = (ev: TargetedKeyboardEvent<HTMLDivElement>) => {
    if (ev.key === 'Escape') {
      ev.preventDefault();
      ev.stopPropagation();
    }
    if (ev.key !== 'Tab' || !root.current) return;
    const stops = [...root.current.querySelectorAll<HTMLElement>(focusable)];
    const first = stops[0];
    const last = stops.at(-1);
    const active = document.activeElement;
    if (!first || !last) return ev.preventDefault();
    if (ev.shiftKey && (active === first || active === root.current)) {
      ev.preventDefault();
      last.focus();
    } else if (!ev.shiftKey && active === last) {
      ev.preventDefault();
      first.focus();
    }
  };
  return (
    <div class="backdrop">
      <div
        ref={root}
        class="alert-dialog"
        role="alertdialog"
        aria-modal="true"
        aria-labelledby={labelledBy}
        aria-describedby={describedBy}
        data-testid={testid}
        tabIndex={-1}
        onKeyDown={keys}
      >
        {children}
      </div>
    </div>
  );
}
