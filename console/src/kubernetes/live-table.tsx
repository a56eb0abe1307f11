// A live, virtualised table of Kubernetes objects. The rows that are seen are the only ones drawn; keys move a focus over all of them.
import { useVirtualizer } from '@tanstack/react-virtual';
import { ArrowUp, Ellipsis } from 'lucide-react';
import { memo, useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { Icon } from '../kit/icon';
import { usePatience } from '../kit/states';
import { usePreferences } from '../look/preferences';
import { useKeys } from '../shell/keys';
import { t } from '../words/words';
import { Cell, isNumber } from './cell';
import type { Usage } from './metrics';
import { RowMenu, type RowMenuAt } from './row-menu';
import { type Column, cellText, type Row } from './rows';

export type Sort = { by: string; descending: boolean };

type Props = {
  label: string;
  columns: readonly Column[];
  rows: readonly Row[];
  sort: Sort;
  onSort: (by: string) => void;
  linkOf: (row: Row) => string;
  onOpen: (row: Row) => void;
  loading: boolean;
  menu: (row: Row) => RowMenuAt['items'];
  /** How many rows are in sight, from and to, counted from one. */
  onWindow?: (from: number, to: number) => void;
  /** What each object uses now, by name. */
  usage?: ReadonlyMap<string, Usage>;
};

const columnClass = (column: Column) =>
  [isNumber(column) ? 'num' : '', column.opt ?? ''].filter(Boolean).join(' ') || undefined;

function useRowHeight(): number {
  const { density } = usePreferences();
  // biome-ignore lint/correctness/useExhaustiveDependencies: the density changes what is read
  return useMemo(
    () => Number.parseFloat(getComputedStyle(document.documentElement).getPropertyValue('--row')) || 32,
    [density],
  );
}

export const LiveTable = memo(function LiveTable({
  label,
  columns,
  rows,
  sort,
  onSort,
  linkOf,
  onOpen,
  loading,
  menu,
  onWindow,
  usage,
}: Props) {
  const wrap = useRef<HTMLDivElement>(null);
  const height = useRowHeight();
  // Both stay the same from one scroll to the next: another function would measure all rows anew.
  const estimateSize = useCallback(() => height, [height]);
  const getItemKey = useCallback((i: number) => rows[i]!.key, [rows]);
  const getScrollElement = useCallback(() => wrap.current, []);
  const virtual = useVirtualizer({ count: rows.length, getScrollElement, estimateSize, overscan: 12, getItemKey });
  const items = virtual.getVirtualItems();
  // biome-ignore lint/correctness/useExhaustiveDependencies: rows of another height are measured anew
  useEffect(() => {
    virtual.measure();
  }, [virtual, height]);

  const range = virtual.range;
  const from = rows.length === 0 ? 0 : (range?.startIndex ?? 0) + 1;
  const to = rows.length === 0 ? 0 : Math.min(rows.length, (range?.endIndex ?? 0) + 1);
  // Said when the scrolling rests: the page around the table is not drawn anew for each frame of it.
  useEffect(() => {
    const timer = setTimeout(() => onWindow?.(from, to), from <= 1 ? 0 : 60);
    return () => clearTimeout(timer);
  }, [from, to, onWindow]);

  const focusRow = useRef<string | undefined>(undefined);
  const [at, setAt] = useState<RowMenuAt>();
  const move = useCallback(
    (by: number) => {
      if (rows.length === 0) return;
      const now = document.activeElement?.closest<HTMLElement>('tr[data-key]')?.dataset.key;
      const index = now === undefined ? -1 : rows.findIndex((row) => row.key === now);
      const next =
        index < 0
          ? by > 0
            ? Math.max(0, from - 1)
            : Math.max(0, to - 1)
          : Math.max(0, Math.min(rows.length - 1, index + by));
      focusRow.current = rows[next]!.key;
      virtual.scrollToIndex(next, { align: 'auto' });
      const row = wrap.current?.querySelector<HTMLElement>(`tr[data-key="${CSS.escape(rows[next]!.key)}"] a.name`);
      if (row) {
        row.focus({ preventScroll: true });
        focusRow.current = undefined;
      }
    },
    [rows, virtual, from, to],
  );
  useKeys(
    useMemo(
      () => ({
        j: () => move(1),
        k: () => move(-1),
      }),
      [move],
    ),
  );
  // A row that had to be scrolled to first gets the focus once it is drawn.
  useEffect(() => {
    const key = focusRow.current;
    if (key === undefined || !items.some((item) => item.key === key)) return;
    wrap.current
      ?.querySelector<HTMLElement>(`tr[data-key="${CSS.escape(key)}"] a.name`)
      ?.focus({ preventScroll: true });
    focusRow.current = undefined;
  }, [items]);

  const above = items[0]?.start ?? 0;
  const below = virtual.getTotalSize() - (items.at(-1)?.end ?? 0);
  const openMenu = useCallback(
    (row: Row, anchor: HTMLElement) => setAt({ anchor, label: row.name, items: menu(row) }),
    [menu],
  );
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard
    <section className="table-wrap" aria-label={label} tabIndex={0} ref={wrap}>
      <table className="table lay" aria-rowcount={rows.length + 1} aria-busy={loading}>
        <colgroup>
          {columns.map((column) => (
            <col
              key={column.id}
              className={
                [column.width === 'fill' ? '' : `c-${column.width}`, column.opt ?? ''].filter(Boolean).join(' ') ||
                undefined
              }
            />
          ))}
          <col className="c-menu" />
        </colgroup>
        <thead>
          <tr>
            {columns.map((column) => {
              const sorted = sort.by === column.id ? (sort.descending ? 'descending' : 'ascending') : undefined;
              return (
                <th key={column.id} scope="col" className={columnClass(column)} aria-sort={sorted}>
                  <button type="button" onClick={() => onSort(column.id)}>
                    {t(column.title)}
                    <Icon of={ArrowUp} />
                  </button>
                </th>
              );
            })}
            <th scope="col">
              <span className="sr">{t('Actions')}</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {loading ? <Loading columns={columns} /> : null}
          {above > 0 ? <Spacer height={above} columns={columns.length + 1} /> : null}
          {items.map((item) => {
            const row = rows[item.index];
            return row ? (
              <TableRow
                key={row.key}
                row={row}
                index={item.index}
                columns={columns}
                to={linkOf(row)}
                use={usage?.get(row.name)}
                onOpen={onOpen}
                onMenu={openMenu}
              />
            ) : null;
          })}
          {below > 0 ? <Spacer height={below} columns={columns.length + 1} /> : null}
        </tbody>
      </table>
      <RowMenu at={at} onClose={() => setAt(undefined)} />
    </section>
  );
});

const Spacer = ({ height, columns }: { height: number; columns: number }) => (
  // biome-ignore lint/a11y/noAriaHiddenOnFocusable: a row is not focusable; it only takes room
  <tr className="spacer" aria-hidden="true">
    <td colSpan={columns} style={{ height }} />
  </tr>
);

type RowProps = {
  row: Row;
  index: number;
  columns: readonly Column[];
  to: string;
  use: Usage | undefined;
  onOpen: (row: Row) => void;
  onMenu: (row: Row, anchor: HTMLElement) => void;
};

/** How recent an object must be to be marked as new when its row appears, in milliseconds. */
const fresh = 8000;

const TableRow = memo(function TableRow({ row, index, columns, to, use, onMenu, onOpen }: RowProps) {
  const first = useRef(row.revision);
  const turns = useRef(0);
  const last = useRef(row.revision);
  const [isNew] = useState(() => row.createdAt !== undefined && Date.now() - row.createdAt < fresh);
  if (last.current !== row.revision) {
    last.current = row.revision;
    turns.current++;
  }
  // Two classes in turns, so that the fade begins anew at each change.
  const changed =
    row.revision === first.current ? (isNew ? 'changed' : '') : turns.current % 2 === 0 ? 'changed' : 'changed again';
  const gone = row.state?.shape === 'done' || row.state?.shape === 'end' ? 'gone' : '';
  return (
    <tr data-key={row.key} className={`${changed} ${gone}`} aria-rowindex={index + 2} onDoubleClick={() => onOpen(row)}>
      {columns.map((column) => (
        <td
          key={column.id}
          className={
            [columnClass(column), column.as === 'text' || column.as === 'age' ? 'second' : '']
              .filter(Boolean)
              .join(' ') || undefined
          }
          title={column.as === 'text' ? cellText(column, row) || undefined : undefined}
        >
          <Cell column={column} row={row} to={to} use={use} />
        </td>
      ))}
      <td>
        <button
          type="button"
          className="rowmenu"
          aria-haspopup="menu"
          aria-label={t('Actions for {name}', { name: row.name })}
          onClick={(event) => onMenu(row, event.currentTarget)}
        >
          <Icon of={Ellipsis} />
        </button>
      </td>
    </tr>
  );
});

const bars = ['w70', 'w85', 'w55', 'w70', 'w40', 'w85'];

/** The head is there at once; rows that are on their way come after 120 ms. */
function Loading({ columns }: { columns: readonly Column[] }) {
  const late = usePatience();
  if (!late) return null;
  return Array.from({ length: 8 }, (_, i) => (
    // biome-ignore lint/a11y/noAriaHiddenOnFocusable: a row is not focusable; it only takes room
    // biome-ignore lint/suspicious/noArrayIndexKey: a line is its place
    <tr key={i} aria-hidden="true">
      {columns.map((column, c) => (
        <td key={column.id} className={columnClass(column)}>
          <span className={`skel ${bars[(i + c) % bars.length]}`} />
        </td>
      ))}
      <td />
    </tr>
  ));
}
