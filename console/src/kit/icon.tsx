// Icons: lucide's at the console's size and weight, and the few of our own.
import type { LucideIcon } from 'lucide-react';
import type { ReactNode } from 'react';
import { t } from '../words/words';

/** An icon beside a word; it says nothing by itself. */
export function Icon({ of: Of, small, className = '' }: { of: LucideIcon; small?: boolean; className?: string }) {
  return <Of className={`i${small ? ' sm' : ''} ${className}`} size={16} aria-hidden="true" />;
}

/** Frame of an icon of our own, on 16 units. */
export function Own({ children, className = '', label }: { children: ReactNode; className?: string; label?: string }) {
  return (
    // biome-ignore lint/a11y/noSvgWithoutTitle: it is hidden, or has a label; a title would be a second tooltip
    <svg
      className={`i own ${className}`}
      viewBox="0 0 16 16"
      {...(label ? { role: 'img', 'aria-label': label } : { 'aria-hidden': true })}
    >
      {children}
    </svg>
  );
}

/** The mark: a ring of islands, open at the pass. */
export function Mark({ className = '' }: { className?: string }) {
  return (
    <svg
      className={className}
      viewBox="0 0 32 32"
      fill="none"
      stroke="currentColor"
      strokeLinecap="round"
      aria-hidden="true"
    >
      <path strokeWidth="5.2" d="M20.6 5.8A11.2 11.2 0 0 1 26.4 11.8" />
      <path strokeWidth="4.6" d="M27.2 15.6A11.2 11.2 0 0 1 22.9 24.8" />
      <path strokeWidth="5.6" d="M18.7 26.9A11.2 11.2 0 0 1 7.2 22.9" />
      <path strokeWidth="4.6" d="M5.3 19.3A11.2 11.2 0 0 1 5.2 12.9" />
      <path strokeWidth="4" d="M7.1 9.3A11.2 11.2 0 0 1 10.1 6.5" />
    </svg>
  );
}

/** Three islets after a label: it comes from an extension. */
export function Origin({ from }: { from?: string }) {
  return (
    <Own className="origin" label={from ? t('from {extension}', { extension: from }) : t('from an extension')}>
      <g fill="currentColor" stroke="none">
        <circle cx="5.4" cy="10" r="3.2" />
        <circle cx="11.4" cy="9.2" r="2" />
        <circle cx="8.9" cy="4.3" r="1.5" />
      </g>
    </Own>
  );
}
