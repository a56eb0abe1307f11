import { Columns3, Search } from 'lucide-react';
import { useMemo, useState, useSyncExternalStore } from 'react';
import { count } from '../../format/number';
import { Button } from '../../kit/button';
import { Icon } from '../../kit/icon';
import { Menu, MenuSwitch } from '../../kit/menu';
import { Empty, Trouble } from '../../kit/states';
import { Ago } from '../../kit/times';
import { LogBuffer } from '../../logview';
import { t } from '../../words/words';
import { type Env, isRef, look } from '../env';
import { useEnv, useHost, useRoom } from '../host';
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
import { list } from '../shape';
import type { SourceState } from '../source';
import { Grid } from './grid';

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
