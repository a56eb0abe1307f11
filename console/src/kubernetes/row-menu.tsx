// The menu of a row. There is one for the whole table, shown where it was asked for.
import { Menu as Base } from '@base-ui/react/menu';
import type { LucideIcon } from 'lucide-react';
import { Icon, Origin } from '../kit/icon';

export type RowAction = { key: string; label: string; icon: LucideIcon; from?: string; end?: string; run: () => void };
export type RowMenuAt = { anchor: HTMLElement; label: string; items: RowAction[] };

export function RowMenu({ at, onClose }: { at: RowMenuAt | undefined; onClose: () => void }) {
  return (
    <Base.Root open={at !== undefined} onOpenChange={(open) => open || onClose()} modal={false}>
      <Base.Portal>
        <Base.Positioner anchor={at?.anchor} sideOffset={2} align="end" className="floating">
          <Base.Popup className="pop" aria-label={at?.label} finalFocus={{ current: at?.anchor ?? null }}>
            {at?.items.map((item) => (
              <Base.Item key={item.key} className="item" onClick={item.run}>
                <Icon of={item.icon} />
                {item.label}
                {item.from ? <Origin from={item.from} /> : null}
                {item.end ? <span className="end">{item.end}</span> : null}
              </Base.Item>
            ))}
          </Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  );
}
