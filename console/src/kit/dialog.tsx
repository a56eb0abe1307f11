// What floats over the page and asks: dialogs and the wide sheet at the right.
import { Dialog as Base } from '@base-ui/react/dialog';
import { X } from 'lucide-react';
import { type ReactNode, useMemo } from 'react';
import { t } from '../words/words';
import { Button } from './button';

type Props = {
  open: boolean;
  onClose: () => void;
  title: ReactNode;
  /** A quieter line under the title. */
  sub?: ReactNode;
  footer?: ReactNode;
  children?: ReactNode;
  className?: string;
  /** The dialog asks something that must be answered: a click beside it does not close it. */
  firm?: boolean;
};

// What had the focus before a dialog that is open; of a dialog that another takes the place of, the other asks it.
const befores = new WeakMap<Element, Element[]>();

/** Gives the focus back to what had it when the dialog opened, or to the page where that is gone. */
function useFocusBack(open: boolean) {
  const before = useMemo(() => {
    const active = open ? document.activeElement : null;
    if (!active) return [];
    const under = active.closest('[role=dialog]');
    return [active, ...((under && befores.get(under)) ?? [])];
  }, [open]);
  return {
    ref: (popup: Element | null) => {
      if (popup) befores.set(popup, before);
    },
    finalFocus: () =>
      before.find(
        (one): one is HTMLElement => one instanceof HTMLElement && one.isConnected && one !== document.body,
      ) ??
      document.querySelector<HTMLElement>('main') ??
      true,
  };
}

/** A dialog in the middle of the page. */
export function Dialog({ open, onClose, title, sub, footer, children, className = '', firm }: Props) {
  const back = useFocusBack(open);
  return (
    <Base.Root open={open} onOpenChange={(next) => next || onClose()} disablePointerDismissal={firm}>
      <Base.Portal>
        <Base.Backdrop className="backdrop" />
        <Base.Popup className={`dialog ${className}`} {...back}>
          <header>
            <Base.Title>{title}</Base.Title>
            {sub ? <Base.Description className="muted">{sub}</Base.Description> : null}
          </header>
          {children ? <div className="in">{children}</div> : null}
          {footer ? <footer>{footer}</footer> : null}
        </Base.Popup>
      </Base.Portal>
    </Base.Root>
  );
}

/** A sheet at the right edge, over the page, for what needs to be read. */
export function Sheet({ open, onClose, title, sub, footer, children, className = '', firm }: Props) {
  const back = useFocusBack(open);
  return (
    <Base.Root open={open} onOpenChange={(next) => next || onClose()} disablePointerDismissal={firm}>
      <Base.Portal>
        <Base.Backdrop className="backdrop" />
        <Base.Popup className={`drawer wide ${className}`} {...back}>
          <header>
            <div className="grow">
              <Base.Title>{title}</Base.Title>
              {sub ? <Base.Description>{sub}</Base.Description> : null}
            </div>
            <Base.Close render={<Button look="quiet" icon={X} label={t('Close')} />} />
          </header>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
          <section className="in" aria-label={t('Content')} tabIndex={0}>
            {children}
          </section>
          {footer ? <footer>{footer}</footer> : null}
        </Base.Popup>
      </Base.Portal>
    </Base.Root>
  );
}
