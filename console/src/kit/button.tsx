// Buttons are verb and object. A button that may not be pressed says why and stays reachable.
import { Check, Copy, Lock, type LucideIcon } from 'lucide-react';
import type { ButtonHTMLAttributes, ReactNode, Ref } from 'react';
import { useState } from 'react';
import { t } from '../words/words';
import { Icon } from './icon';

type Look = 'plain' | 'primary' | 'danger' | 'danger solid' | 'quiet' | 'link';

export type ButtonProps = Omit<ButtonHTMLAttributes<HTMLButtonElement>, 'disabled'> & {
  look?: Look;
  icon?: LucideIcon;
  /** Only an icon is shown; the label is for those who do not see it. */
  label?: string;
  /** Why it cannot be pressed now. The button stays focusable and shows the reason on hover. */
  locked?: string;
  /** Work is under way: pressing again does nothing. */
  busy?: boolean;
  children?: ReactNode;
  ref?: Ref<HTMLButtonElement>;
};

/** A button of the kit. */
export function Button({
  look = 'plain',
  icon,
  label,
  locked,
  busy,
  className = '',
  children,
  onClick,
  type = 'button',
  title,
  ...rest
}: ButtonProps) {
  const shown = locked ? Lock : icon;
  const off = Boolean(locked) || busy;
  const looks = look === 'plain' ? '' : ` ${look}`;
  return (
    <button
      {...rest}
      type={type}
      className={`btn${looks}${children === undefined ? ' icon' : ''} ${className}`}
      aria-label={label}
      aria-disabled={off || undefined}
      aria-busy={busy || undefined}
      title={locked ?? title ?? label}
      onClick={off ? (event) => event.preventDefault() : onClick}
    >
      {shown ? <Icon of={shown} /> : null}
      {children}
    </button>
  );
}

/** Copies a text and says that it did. */
export function CopyButton({ text, label, children }: { text: string; label?: string; children?: ReactNode }) {
  const [done, setDone] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(text);
    setDone(true);
    setTimeout(() => setDone(false), 1600);
  };
  return (
    <Button
      look={children ? 'plain' : 'quiet'}
      icon={done ? Check : Copy}
      label={children ? undefined : (label ?? t('Copy'))}
      onClick={copy}
    >
      {children ? (done ? t('Copied') : children) : undefined}
    </Button>
  );
}
