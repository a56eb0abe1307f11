// Nodes that lay out others: Stack, Row, Grid, Section, Card, Tabs.
import { type KeyboardEvent, useId } from 'react';
import { isRecord, textOf } from '../env';
import { RoomProvider, useEnv, useHost, useRoom } from '../host';
import { Part, type PartProps } from '../Part';
import { fills, list, placed } from '../shape';
import { Actions } from './action';

const gapOf = (node: Record<string, unknown>): string =>
  node.gap === 's' || node.gap === 'l' ? ` gap-${node.gap}` : ' gap-m';
const flow = { fill: false, cell: false };

function Children({ node, pointer }: PartProps) {
  return placed(list(node.children)).map(({ of: child, at }) => (
    <Part key={at} node={child} pointer={`${pointer}/children/${at}`} />
  ));
}

export function StackPart({ node, pointer }: PartProps) {
  const room = useRoom();
  if (!room.fill)
    return (
      <div className={room.cell ? 'fr-cell' : `fr-stack${gapOf(node)}`}>
        <Children node={node} pointer={pointer} />
      </div>
    );
  return placed(list(node.children)).map(({ of: child, at: place }) => {
    const at = `${pointer}/children/${place}`;
    const bare = fills(child) || (isRecord(child) && child.is === 'Filter');
    return bare ? (
      <Part key={place} node={child} pointer={at} />
    ) : (
      <div key={place} className="fr-pad">
        <RoomProvider value={flow}>
          <Part node={child} pointer={at} />
        </RoomProvider>
      </div>
    );
  });
}

export function RowPart({ node, pointer }: PartProps) {
  return (
    <div className={`fr-row${gapOf(node)}`}>
      <Children node={node} pointer={pointer} />
    </div>
  );
}

export function GridPart({ node, pointer }: PartProps) {
  return (
    <div className={`fr-grid${gapOf(node)}`}>
      <Children node={node} pointer={pointer} />
    </div>
  );
}

export function SectionPart({ node, pointer }: PartProps) {
  const env = useEnv(node);
  const title = textOf(node.title, env);
  return (
    <section className="section">
      {title || node.actions ? (
        <header>
          {title ? <h2>{title}</h2> : null}
          <span className="right">
            <Actions of={node.actions} />
          </span>
        </header>
      ) : null}
      <div className="fr-stack gap-m">
        <Children node={node} pointer={pointer} />
      </div>
    </section>
  );
}

export function CardPart({ node, pointer }: PartProps) {
  const env = useEnv(node);
  const title = textOf(node.title, env);
  return (
    <section className="card">
      {title || node.actions ? (
        <header>
          {title ? <h2>{title}</h2> : null}
          <span className="right row">
            <Actions of={node.actions} />
          </span>
        </header>
      ) : null}
      <div className="in fr-stack gap-m">
        <Children node={node} pointer={pointer} />
      </div>
    </section>
  );
}

interface ReadTab {
  id: string;
  label: string;
  body: unknown;
  /** Its place in the list of the node. */
  at: number;
}

export function TabsPart({ node, pointer }: PartProps) {
  const env = useEnv(node);
  const host = useHost();
  const room = useRoom();
  const name = useId();
  const tabs: ReadTab[] = list(node.tabs, 16).flatMap((tab, at) =>
    isRecord(tab) && typeof tab.id === 'string'
      ? [{ id: tab.id, label: textOf(tab.label, env) || tab.id, body: tab.body, at }]
      : [],
  );
  const parameter = tabParameter(node, pointer);
  const wanted = host.query(parameter);
  const open = tabs.find((tab) => tab.id === wanted) ?? tabs[0];
  if (!open) return null;
  const choose = (tab: ReadTab) => host.setQuery(parameter, tab === tabs[0] ? '' : tab.id);
  const keyed = (e: KeyboardEvent<HTMLElement>) => {
    const by = e.key === 'ArrowRight' ? 1 : e.key === 'ArrowLeft' ? -1 : 0;
    const next = by === 0 ? undefined : tabs[(tabs.indexOf(open) + by + tabs.length) % tabs.length];
    if (!next) return;
    e.preventDefault();
    choose(next);
    e.currentTarget.querySelectorAll<HTMLElement>('[role=tab]')[tabs.indexOf(next)]?.focus();
  };
  const fill = room.fill && fills(open.body);
  return (
    <>
      <div className={`tabs${room.fill ? '' : ' fr-flush'}`} role="tablist" onKeyDown={keyed}>
        {tabs.map((tab) => (
          <button
            type="button"
            role="tab"
            key={`${tab.at}`}
            id={`${name}-t${tab.at}`}
            aria-selected={tab === open}
            aria-controls={`${name}-p`}
            tabIndex={tab === open ? 0 : -1}
            onClick={() => choose(tab)}
          >
            {tab.label}
          </button>
        ))}
      </div>
      <div
        className={fill ? 'fr-fill' : room.fill ? 'fr-scroll' : ''}
        role="tabpanel"
        id={`${name}-p`}
        aria-labelledby={`${name}-t${open.at}`}
      >
        <RoomProvider value={{ fill, cell: false }}>
          <Part key={open.at} node={open.body} pointer={`${pointer}/tabs/${open.at}/body`} />
        </RoomProvider>
      </div>
    </>
  );
}

/** The name of the open tab in the page's query: the node's own, or one from its place. `tab` belongs to the page. */
function tabParameter(node: Record<string, unknown>, pointer: string): string {
  if (typeof node.id === 'string' && /^[a-z][-A-Za-z0-9]{0,62}$/.test(node.id) && node.id !== 'tab') return node.id;
  const place = pointer.match(/\d+/g)?.join('.');
  return place ? `view.${place}` : 'view';
}
