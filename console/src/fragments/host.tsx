// What a fragment's nodes get from the page around them: who they come from,
// where they are, the state of the filters, their data.
import { createContext, useContext, useEffect, useMemo, useSyncExternalStore } from 'react';
import type { Control } from '../../../sdk/fragment/fragment';
import type { Env } from './env';
import type { FilterValue } from './filter';
import type { Pages } from './link';
import type { SourceSet } from './source-set';
import { sourcesIn } from './uses';

export interface Host {
  /** Name, title and version of the extension. */
  extension: string;
  title: string;
  version?: string;
  pages: Pages;
  context: Readonly<Record<string, string | undefined>>;
  filter: Readonly<Record<string, FilterValue>>;
  sources: SourceSet;
  setFilter(control: Control, value: FilterValue): void;
  /** The toggle that a pointer as /filter/times reads. */
  toggle(pointer: string): Control | undefined;
  /** One value of the page's query that is no control (the open tab), and how to change it. */
  query(name: string): string;
  setQuery(name: string, value: string): void;
  /** Goes to a page of the console. */
  go(href: string): void;
}

const Context = createContext<Host | undefined>(undefined);
export const HostProvider = Context.Provider;

export function useHost(): Host {
  const host = useContext(Context);
  if (!host) throw new Error('a node outside of a fragment');
  return host;
}

/** The row that a cell is drawn for. */
const Row = createContext<unknown>(undefined);
export const RowProvider = Row.Provider;
export const useRow = (): unknown => useContext(Row);

/** How the surroundings of a node are laid out. */
export interface Room {
  /** It fills a page that does not scroll, edge to edge. */
  fill: boolean;
  /** It is a cell of a table. */
  cell: boolean;
}
const RoomContext = createContext<Room>({ fill: false, cell: false });
export const RoomProvider = RoomContext.Provider;
export const useRoom = (): Room => useContext(RoomContext);

/** What the references of a node (or of an action) can see; drawn again when the sources that it names change. */
export function useEnv(node: unknown): Env {
  const host = useHost();
  const row = useRow();
  const { sources, filter, context } = host;
  const names = sourcesIn(node);
  useEffect(() => (names.length > 0 ? sources.use(names) : undefined), [sources, names]);
  const versions = () => names.map((name) => sources.version(name)).join();
  const now = useSyncExternalStore((tell) => sources.subscribe(names, tell), versions, versions);
  // biome-ignore lint/correctness/useExhaustiveDependencies: `now` is what changes when a source does
  return useMemo(() => ({ source: sources.value, filter, context, row }), [sources, filter, context, row, now]);
}
