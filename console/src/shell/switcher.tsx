// One switch of the top bar: a button with the name of where one is, and a list with a filter to go elsewhere.
import { Popover } from '@base-ui/react/popover';
import { ChevronsUpDown, type LucideIcon, Search } from 'lucide-react';
import { type KeyboardEvent, type ReactNode, useRef, useState } from 'react';
import { Icon } from '../kit/icon';
import { Link } from '../routing/link';
import { t } from '../words/words';

export type Choice = {
  key: string;
  to: string;
  label: string;
  sub?: ReactNode;
  icon?: LucideIcon;
  current?: boolean;
  group?: string;
};

export function Switcher({
  icon,
  what,
  name,
  choices,
  footer,
  className = '',
}: {
  icon: LucideIcon;
  what: string;
  name: string;
  choices: Choice[];
  /** One more way, below the list. */
  footer?: { to: string; label: string; icon: LucideIcon };
  className?: string;
}) {
  const [open, setOpen] = useState(false);
  const [filter, setFilter] = useState('');
  const list = useRef<HTMLDivElement>(null);
  const word = filter.trim().toLowerCase();
  const shown = choices.filter((one) => one.label.toLowerCase().includes(word) || one.key.toLowerCase().includes(word));
  const move = (event: KeyboardEvent) => {
    if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp' && event.key !== 'Enter') return;
    const items = [...(list.current?.querySelectorAll<HTMLAnchorElement>('a.item') ?? [])];
    const at = items.indexOf(document.activeElement as HTMLAnchorElement);
    if (event.key === 'Enter') {
      if (at < 0) {
        event.preventDefault();
        items[0]?.click();
      }
      return;
    }
    event.preventDefault();
    items[(at + (event.key === 'ArrowDown' ? 1 : items.length - 1)) % items.length]?.focus();
  };
  return (
    <Popover.Root
      open={open}
      onOpenChange={(next) => {
        setOpen(next);
        setFilter('');
      }}
    >
      <Popover.Trigger className={`switch-to ${className}`} aria-label={t('{what} {name}, switch', { what, name })}>
        <Icon of={icon} small />
        <span className="trunc">{name}</span>
        <Icon of={ChevronsUpDown} small />
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Positioner sideOffset={4} align="start" className="floating">
          <Popover.Popup className="pop switcher" onKeyDown={move} aria-label={t('Switch {what}', { what })}>
            {choices.length > 6 ? (
              <div className="ask">
                <Icon of={Search} small />
                <input
                  aria-label={t('Filter')}
                  placeholder={t('Filter')}
                  value={filter}
                  onChange={(event) => setFilter(event.target.value)}
                />
              </div>
            ) : null}
            <div className="list" ref={list}>
              {shown.map((one, i) => (
                <div key={one.key}>
                  {one.group && one.group !== shown[i - 1]?.group ? <h3>{one.group}</h3> : null}
                  <Link
                    className="item"
                    to={one.to}
                    aria-current={one.current ? 'true' : undefined}
                    onClick={() => setOpen(false)}
                  >
                    {one.icon ? <Icon of={one.icon} /> : null}
                    {one.label}
                    {one.sub ? <span className="end">{one.sub}</span> : null}
                  </Link>
                </div>
              ))}
              {shown.length === 0 ? (
                <p className="none">{word ? t('Nothing matches "{filter}"', { filter }) : t('There is none yet')}</p>
              ) : null}
            </div>
            {footer ? (
              <>
                <hr />
                <Link className="item" to={footer.to} onClick={() => setOpen(false)}>
                  <Icon of={footer.icon} />
                  {footer.label}
                </Link>
              </>
            ) : null}
          </Popover.Popup>
        </Popover.Positioner>
      </Popover.Portal>
    </Popover.Root>
  );
}
