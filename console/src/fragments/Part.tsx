// From a node to what is drawn: a total function. A node that is not known
// becomes its fallback or a quiet placeholder, one that fails a card.
import type { ComponentType } from 'react';
import { t } from '../words/words';
import { Boundary } from './broken';
import { holds, isRecord } from './env';
import { useEnv } from './host';
import { ButtonPart } from './nodes/action';
import { CodePart } from './nodes/code';
import { FilterPart } from './nodes/filter';
import { CardPart, GridPart, RowPart, SectionPart, StackPart, TabsPart } from './nodes/layout';
import { LogPart } from './nodes/log';
import { MarkdownPart } from './nodes/markdown';
import { AlertPart, EmptyPart } from './nodes/states';
import { TablePart } from './nodes/table';
import { BadgePart, FactsPart, LinkPart, ResourceLinkPart, StatusPart, TextPart, ValuePart } from './nodes/text';

/** What every node's component gets: any object that calls itself by its name, and where it stands. */
export interface PartProps {
  node: Record<string, unknown>;
  pointer: string;
}

/** The closed catalogue of this console. */
const catalogue: Record<string, ComponentType<PartProps>> = {
  Stack: StackPart,
  Row: RowPart,
  Grid: GridPart,
  Section: SectionPart,
  Card: CardPart,
  Tabs: TabsPart,
  Text: TextPart,
  Markdown: MarkdownPart,
  Value: ValuePart,
  Badge: BadgePart,
  Status: StatusPart,
  Link: LinkPart,
  ResourceLink: ResourceLinkPart,
  Facts: FactsPart,
  Code: CodePart,
  Table: TablePart,
  Log: LogPart,
  Button: ButtonPart,
  Filter: FilterPart,
  Alert: AlertPart,
  Empty: EmptyPart,
};

/** The core allows 16 levels of nodes; each is at most three parts of a pointer. */
const maxParts = 3 * 24;

/** Draws any value as a node. */
export function Part({ node, pointer }: { node: unknown; pointer: string }) {
  if (pointer.split('/').length > maxParts) return <Unknown name={t('Something nested too deeply')} />;
  if (!isRecord(node) || typeof node.is !== 'string') return <Unknown name={t('Something that is no node')} />;
  const Known = Object.hasOwn(catalogue, node.is) ? catalogue[node.is] : undefined;
  if (!Known) {
    if (isRecord(node.fallback)) return <Part node={node.fallback} pointer={`${pointer}/fallback`} />;
    return <Unknown name={typeof node.needs === 'string' ? node.needs : node.is} />;
  }
  const shown = (
    <Boundary pointer={pointer} node={node}>
      <Known node={node} pointer={pointer} />
    </Boundary>
  );
  return node.when === undefined ? shown : <When test={node.when}>{shown}</When>;
}

function When({ test, children }: { test: unknown; children: React.ReactNode }) {
  const env = useEnv(test);
  return holds(test, env) ? children : null;
}

function Unknown({ name }: { name: string }) {
  return (
    <p className="muted">
      <code>{name.slice(0, 64)}</code> {t('needs a newer console.')}
    </p>
  );
}
