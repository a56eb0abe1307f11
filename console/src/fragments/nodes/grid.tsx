// The rows and columns of a Table node: only those rows that are seen are drawn
// when there are many.
import { useVirtualizer } from '@tanstack/react-virtual';
import { ArrowUp, Ellipsis } from 'lucide-react';
import { memo, type RefObject, useMemo, useRef } from 'react';
import { Icon } from '../../kit/icon';
import { Menu, MenuItem } from '../../kit/menu';
import { usePatience } from '../../kit/states';
import { t } from '../../words/words';
import { RoomProvider, RowProvider, useEnv, useHost } from '../host';
import { iconNamed } from '../icons';
import { Part } from '../Part';
import type { Order, ReadColumn, TableRow } from '../rows';
import { placed } from '../shape';
import { prepare } from './action';

/** More rows than these are drawn only as far as they are seen. */
const drawnWhole = 100;

interface GridProps {
  columns: ReadColumn[];
  rows: readonly TableRow[];
  order: Order;
  onSort(by: string): void;
  actions: unknown[];
  loading: boolean;
  pointer: string;
  fill: boolean;
}

export function Grid(p: GridProps) {
  const box = useRef<HTMLDivElement>(null);
  const tall = p.rows.length > drawnWhole;
  return (
    <section
      className={p.fill ? 'table-wrap' : `fr-table-box${tall ? ' tall' : ''}`}
      aria-label={t('Table')}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard
      tabIndex={0}
      ref={box}
    >
      <table className={p.fill ? 'table lay' : 'table plain'} aria-busy={p.loading} aria-rowcount={p.rows.length + 1}>
        <colgroup>
          {p.columns.map((c) => (
            <col key={c.id} className={c.width === 'fill' ? undefined : `c-${c.width}`} />
          ))}
          {p.actions.length > 0 ? <col className="c-menu" /> : null}
        </colgroup>
        <thead>
          <tr>
            {p.columns.map((c) => (
              <Head key={c.id} column={c} order={p.order} onSort={p.onSort} />
            ))}
            {p.actions.length > 0 ? (
              <th scope="col">
                <span className="sr">{t('Actions')}</span>
              </th>
            ) : null}
          </tr>
        </thead>
        <tbody>
          {p.loading ? <Loading columns={p.columns.length + (p.actions.length > 0 ? 1 : 0)} /> : null}
          {tall ? (
            <Windowed {...p} box={box} />
          ) : (
            p.rows.map((row) => (
              <BodyRow key={row.key} row={row} columns={p.columns} actions={p.actions} pointer={p.pointer} />
            ))
          )}
        </tbody>
      </table>
    </section>
  );
}

const numeric = (c: ReadColumn): string | undefined => (c.sort === 'number' || c.sort === 'date' ? 'num' : undefined);

function Head({ column, order, onSort }: { column: ReadColumn; order: Order; onSort: (by: string) => void }) {
  if (!column.sort)
    return (
      <th scope="col" className={numeric(column)}>
        {column.header}
      </th>
    );
  const sorted = order.by === column.id ? (order.descending ? 'descending' : 'ascending') : undefined;
  return (
    <th scope="col" className={numeric(column)} aria-sort={sorted}>
      <button type="button" onClick={() => onSort(column.id)}>
        {column.header}
        <Icon of={ArrowUp} />
      </button>
    </th>
  );
}

/** Only the rows that are seen, with room for the others above and below. */
function Windowed({ rows, columns, actions, pointer, box }: GridProps & { box: RefObject<HTMLDivElement | null> }) {
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => box.current,
    estimateSize: () => 32,
    overscan: 12,
    getItemKey: (i) => rows[i]?.key ?? i,
  });
  const items = virtual.getVirtualItems();
  const above = items[0]?.start ?? 0;
  const below = virtual.getTotalSize() - (items.at(-1)?.end ?? 0);
  const wide = columns.length + (actions.length > 0 ? 1 : 0);
  return (
    <>
      {above > 0 ? <Spacer height={above} columns={wide} /> : null}
      {items.map((item) => {
        const row = rows[item.index];
        return row ? (
          <BodyRow
            key={row.key}
            row={row}
            columns={columns}
            actions={actions}
            pointer={pointer}
            index={item.index}
            measure={virtual.measureElement}
          />
        ) : null;
      })}
      {below > 0 ? <Spacer height={below} columns={wide} /> : null}
    </>
  );
}

const Spacer = ({ height, columns }: { height: number; columns: number }) => (
  <tr className="spacer">
    <td colSpan={columns} style={{ height }} />
  </tr>
);

interface BodyRowProps {
  row: TableRow;
  columns: ReadColumn[];
  actions: unknown[];
  pointer: string;
  index?: number;
  measure?: (el: Element | null) => void;
}

const cellRoom = { fill: false, cell: true };

const BodyRow = memo(function BodyRow({ row, columns, actions, pointer, index, measure }: BodyRowProps) {
  return (
    <RowProvider value={row.value}>
      <RoomProvider value={cellRoom}>
        <tr data-index={index} ref={measure}>
          {columns.map((c) => (
            <td key={c.id} className={numeric(c)}>
              <Part node={c.cell} pointer={`${pointer}/columns/${c.at}/cell`} />
            </td>
          ))}
          {actions.length > 0 ? (
            <td>
              <RowActions actions={actions} name={row.key} />
            </td>
          ) : null}
        </tr>
      </RoomProvider>
    </RowProvider>
  );
});

function RowActions({ actions, name }: { actions: unknown[]; name: string }) {
  const env = useEnv(useMemo(() => ({ actions }), [actions]));
  const host = useHost();
  return (
    <Menu
      trigger={
        <button type="button" className="rowmenu" aria-label={t('Actions for {name}', { name })}>
          <Icon of={Ellipsis} />
        </button>
      }
    >
      {placed(actions).map(({ of: action, at }) => {
        const one = prepare(action, env, host);
        return one ? (
          <MenuItem
            key={at}
            icon={iconNamed(one.icon)}
            danger={one.danger}
            locked={one.locked}
            onClick={() => one.run?.()}
          >
            {one.label}
          </MenuItem>
        ) : null;
      })}
    </Menu>
  );
}

const six = [0, 1, 2, 3, 4, 5];
const bars = ['w70', 'w55', 'w40', 'w85'];

/** The head is there at once; rows that are on their way come after 120 ms. */
function Loading({ columns }: { columns: number }) {
  const late = usePatience();
  if (!late) return null;
  return six.map((i) => (
    <tr key={i}>
      {Array.from({ length: columns }, (_, c) => c).map((c) => (
        <td key={c}>
          <span className={`skel ${bars[(i + c) % bars.length]}`} />
        </td>
      ))}
    </tr>
  ));
}
