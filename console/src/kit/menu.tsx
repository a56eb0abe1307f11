// Menus: a button that opens a list of actions, links and choices.
import { Menu as Base } from '@base-ui/react/menu';
import { Check, Lock, type LucideIcon } from 'lucide-react';
import type { ReactElement, ReactNode } from 'react';
import { Icon } from './icon';

/** A menu; `trigger` is the button that opens it. */
export function Menu({
  trigger,
  children,
  align = 'end',
}: {
  trigger: ReactElement;
  children: ReactNode;
  align?: 'start' | 'end';
}) {
  return (
    <Base.Root modal={false}>
      <Base.Trigger render={trigger} />
      <Base.Portal>
        <Base.Positioner sideOffset={4} align={align} className="floating">
          <Base.Popup className="pop">{children}</Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  );
}

/** A line of a menu that does something. */
export function MenuItem({
  icon,
  end,
  danger,
  locked,
  onClick,
  children,
}: {
  icon?: LucideIcon;
  end?: ReactNode;
  danger?: boolean;
  locked?: string;
  onClick: () => void;
  children: ReactNode;
}) {
  return (
    <Base.Item className={`item${danger ? ' danger' : ''}`} disabled={Boolean(locked)} title={locked} onClick={onClick}>
      {locked ? <Icon of={Lock} /> : icon ? <Icon of={icon} /> : null}
      {children}
      {end ? <span className="end">{end}</span> : null}
    </Base.Item>
  );
}

/** One choice of several; the chosen one has a tick. */
export function MenuChoice<T extends string>({
  title,
  value,
  choices,
  onChoose,
}: {
  title: string;
  value: T;
  choices: { value: T; label: string; icon?: LucideIcon }[];
  onChoose: (value: T) => void;
}) {
  return (
    <Base.RadioGroup value={value} onValueChange={(next) => onChoose(next as T)} aria-label={title}>
      <div className="title" aria-hidden="true">
        {title}
      </div>
      {choices.map((choice) => (
        <Base.RadioItem key={choice.value} value={choice.value} className="item" closeOnClick={false}>
          {choice.icon ? <Icon of={choice.icon} /> : null}
          {choice.label}
          <Base.RadioItemIndicator className="end" render={<span />}>
            <Icon of={Check} small />
          </Base.RadioItemIndicator>
        </Base.RadioItem>
      ))}
    </Base.RadioGroup>
  );
}

/** A line of a menu that is switched on and off. */
export function MenuSwitch({
  on,
  onChange,
  end,
  children,
}: {
  on: boolean;
  onChange: (on: boolean) => void;
  end?: ReactNode;
  children: ReactNode;
}) {
  return (
    <Base.CheckboxItem className="item" checked={on} onCheckedChange={onChange} closeOnClick={false}>
      <span className={`check${on ? ' on' : ''}`} aria-hidden="true" />
      {children}
      {end ? <span className="end">{end}</span> : null}
    </Base.CheckboxItem>
  );
}

export const MenuLine = () => <Base.Separator render={<hr />} />;
export const MenuTitle = ({ children }: { children: ReactNode }) => <h3>{children}</h3>;
