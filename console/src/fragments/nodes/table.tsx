// The Table node: rows of data, virtualised; sorted and filtered in the page.
import { useVirtualizer } from '@tanstack/react-virtual';
import { ArrowUp, Columns3, Ellipsis, Search } from 'lucide-react';
import { memo, type RefObject, useMemo, useRef, useState, useSyncExternalStore } from 'react';
import { count } from '../../format/number';
import { Button } from '../../kit/button';
import { Icon } from '../../kit/icon';
import { Menu, MenuItem, MenuSwitch } from '../../kit/menu';
import { Empty, Trouble, usePatience } from '../../kit/states';
import { Ago } from '../../kit/times';
import { LogBuffer } from '../../logview';
import { t } from '../../words/words';
import { type Env, isRef, look } from '../env';
import { RoomProvider, RowProvider, useEnv, useHost, useRoom } from '../host';
import { iconNamed } from '../icons';
import { Part, type PartProps } from '../Part';
import { pointerParts } from '../pointer';
import {
  filterRows,
  type Order,
  type ReadColumn,
  readColumns,
  readRows,
  sortRows,
  type TableRow,
  valuesOf,
} from '../rows';
import { list, placed } from '../shape';
import type { SourceState } from '../source';
import { prepare } from './action';

/** More rows than these are drawn only as far as they are seen. */
const drawnWhole = 100;

export function TablePart({ node, pointer }: PartProps) {
  const env = useEnv(node);
  const host = useHost();
  const room = useRoom();
  const rowsAt = isRef(node.rows) ? node.rows.$ : '';
  const source = rowsAt.startsWith('/') ? pointerParts(rowsAt)[0] : undefined;
  const state = source === undefined ? undefined : host.sources.state(source);
  const value = useLive(look(rowsAt, env));
  const columns = useMemo(() => readColumns(node.columns, env), [node.columns, env]);
  const [order, setOrder] = useState<Order>({ by: '', descending: false });
  const [shown, setShown] = useState<Readonly<Record<string, boolean>>>({});
  const [chosen, setChosen] = useState<Readonly<Record<string, string>>>({});
  const [search, setSearch] = useState('');
  // biome-ignore lint/correctness/useExhaustiveDependencies: value.version is what changes when lines are appended
  const all = useMemo(() => readRows(value.of, node.key), [value.of, value.version, node.key]);
  const rows = useMemo(() => {
    const column = columns.find((c) => c.id === order.by);
    return sortRows(filterRows(all, columns, env, chosen, search), column, env, order.descending);
  }, [all, columns, env, chosen, search, order]);
  const visible = columns.filter((c) => shown[c.id] ?? !c.hidden);
  const sort = (by: string) =>
    setOrder((was) =>
      was.by !== by
        ? { by, descending: false }
        : was.descending
          ? { by: '', descending: false }
          : { by, descending: true },
    );
  const refresh = source === undefined ? undefined : () => host.sources.refresh([source]);
  const known = state === undefined || state.value !== undefined;

  if (!known && state?.problem && state.phase === 'failed')
    return <Trouble what={t('this list')} problem={state.problem} onRetry={refresh} nextTry={state.nextTry} />;
  const nothing =
    known && all.length === 0 ? (
      node.empty === undefined ? (
        <Empty title={t('Nothing here')} />
      ) : (
        <Part node={node.empty} pointer={`${pointer}/empty`} />
      )
    ) : null;
  return (
    <div className={room.fill ? 'fr-fill' : 'fr-table'}>
      <TableTools
        columns={columns}
        all={all}
        env={env}
        chosen={chosen}
        search={search}
        shown={shown}
        onChoose={(id, v) => setChosen((was) => ({ ...was, [id]: v }))}
        onSearch={setSearch}
        onShow={(id, on) => setShown((was) => ({ ...was, [id]: on }))}
        fill={room.fill}
      />
      {room.fill && state?.live ? <div className={`tide${state.live === 'live' ? '' : ' stale'}`} /> : null}
      {nothing ?? (
        <Grid
          columns={visible}
          rows={rows}
          order={order}
          onSort={sort}
          actions={list(node.rowActions, 8)}
          loading={!known}
          pointer={pointer}
          fill={room.fill}
        />
      )}
      {room.fill && known ? <Foot shown={rows.length} all={all.length} state={state} onRetry={refresh} /> : null}
      {!room.fill && known && state?.problem ? <Stale state={state} onRetry={refresh} /> : null}
    </div>
  );
}

/** A list; of an appended one, its version too. */
function useLive(value: unknown): { of: unknown; version: number } {
  const buffer = value instanceof LogBuffer ? value : undefined;
  const version = useSyncExternalStore(buffer?.subscribe ?? never, buffer?.version ?? zero, zero);
  return { of: value, version };
}
const never = () => () => {};
const zero = () => 0;

interface ToolProps {
  columns: ReadColumn[];
  all: readonly TableRow[];
  env: Env;
  chosen: Readonly<Record<string, string>>;
  search: string;
  shown: Readonly<Record<string, boolean>>;
  fill: boolean;
  onChoose(id: string, value: string): void;
  onSearch(text: string): void;
  onShow(id: string, on: boolean): void;
}

function TableTools(p: ToolProps) {
  const sets = p.columns.filter((c) => c.filter === 'set');
  const searched = p.columns.some((c) => c.filter === 'text');
  const hidden = p.columns.some((c) => c.hidden);
  if (sets.length === 0 && !searched && !hidden) return null;
  return (
    <div className={p.fill ? 'toolbar wrap' : 'fr-row gap-s fr-tools'}>
      {searched ? (
        <div className="search">
          <Icon of={Search} small />
          <input
            aria-label={t('Filter these rows')}
            placeholder={t('Filter these rows')}
            value={p.search}
            maxLength={200}
            onChange={(e) => p.onSearch(e.target.value)}
          />
        </div>
      ) : null}
      {sets.map((c) => (
        <label className="row" key={c.id}>
          <span className="sr">{c.header}</span>
          <select
            className="select auto"
            value={p.chosen[c.id] ?? ''}
            onChange={(e) => p.onChoose(c.id, e.target.value)}
          >
            <option value="">{t('{label}: all', { label: c.header })}</option>
            {valuesOf(p.all, c, p.env).map((v) => (
              <option key={v} value={v}>
                {v}
              </option>
            ))}
          </select>
        </label>
      ))}
      {hidden ? (
        <span className="right">
          <Menu trigger={<Button look="quiet" icon={Columns3} label={t('Columns')} />}>
            {p.columns.map((c) => (
              <MenuSwitch key={c.id} on={p.shown[c.id] ?? !c.hidden} onChange={(on) => p.onShow(c.id, on)}>
                {c.header || c.id}
              </MenuSwitch>
            ))}
          </Menu>
        </span>
      ) : null}
    </div>
  );
}

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

function Grid(p: GridProps) {
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
  const env = useEnv(actions[0]);
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

function Foot({
  shown,
  all,
  state,
  onRetry,
}: {
  shown: number;
  all: number;
  state?: SourceState;
  onRetry?: () => void;
}) {
  const stale = state?.problem !== undefined || state?.live === 'reconnecting' || state?.live === 'failed';
  return (
    <div className="table-foot">
      <span>
        {shown === all
          ? t('{count, plural, one {# row} other {# rows}}', { count: all })
          : t('{shown} of {count}', { shown: count(shown), count: count(all) })}
      </span>
      {stale ? (
        <span className="live stale" role="status">
          {t('as of')} <Ago at={state?.asOf} />
        </span>
      ) : state?.live ? (
        <span className={`live${state.live === 'live' ? '' : ' paused'}`} role="status">
          {state.live === 'live' ? t('live') : state.live === 'ended' ? t('ended') : t('connecting')}
        </span>
      ) : null}
      {stale && onRetry ? (
        <Button look="link" className="right" onClick={onRetry}>
          {t('Try now')}
        </Button>
      ) : null}
    </div>
  );
}

function Stale({ state, onRetry }: { state: SourceState; onRetry?: () => void }) {
  return (
    <p className="muted">
      <span className="live stale">
        {t('as of')} <Ago at={state.asOf} />
      </span>{' '}
      {state.problem?.title}{' '}
      {onRetry ? (
        <Button look="link" onClick={onRetry}>
          {t('Try now')}
        </Button>
      ) : null}
    </p>
  );
}
