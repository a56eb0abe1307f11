// The Markdown node: what was read is drawn as elements; links under the rules
// of Link.
import { createElement, type ReactNode } from 'react';
import { type Env, textOf } from '../env';
import { HostLink } from '../HostLink';
import { useEnv, useHost } from '../host';
import { type Pages, targetOf } from '../link';
import { type Block, type Inline, readMarkdown } from '../markdown';
import type { PartProps } from '../Part';
import { placed } from '../shape';

export function MarkdownPart({ node }: PartProps) {
  const env = useEnv(node);
  const { pages } = useHost();
  return <div className="fr-md">{drawBlocks(readMarkdown(textOf(node.text, env)), env, pages)}</div>;
}

function drawBlocks(all: Block[], env: Env, pages: Pages): ReactNode {
  return placed(all).map(({ of, at }) => <Drawn key={at} block={of} env={env} pages={pages} />);
}

function Drawn({ block, env, pages }: { block: Block; env: Env; pages: Pages }): ReactNode {
  switch (block.is) {
    case 'heading':
      // The page has its h1; a text begins below it.
      return createElement(`h${Math.min(6, block.level + 1)}`, null, drawInlines(block.of, env, pages));
    case 'paragraph':
      return <p>{drawInlines(block.of, env, pages)}</p>;
    case 'code':
      return (
        <div className="code">
          <pre>
            <code>{block.text}</code>
          </pre>
        </div>
      );
    case 'rule':
      return <hr className="rule" />;
    case 'quote':
      return <blockquote>{drawBlocks(block.of, env, pages)}</blockquote>;
    case 'list': {
      const items = placed(block.items).map(({ of: item, at }) => (
        <li key={at}>
          {item.length === 1 && item[0]?.is === 'paragraph'
            ? drawInlines(item[0].of, env, pages)
            : drawBlocks(item, env, pages)}
        </li>
      ));
      return block.ordered ? <ol start={block.start}>{items}</ol> : <ul>{items}</ul>;
    }
  }
}

function drawInlines(all: Inline[], env: Env, pages: Pages): ReactNode {
  return placed(all).map(({ of, at }) => <DrawnInline key={at} one={of} env={env} pages={pages} />);
}

function DrawnInline({ one, env, pages }: { one: Inline; env: Env; pages: Pages }): ReactNode {
  switch (one.is) {
    case 'text':
      return one.text;
    case 'code':
      return <code>{one.text}</code>;
    case 'strong':
      return <strong>{drawInlines(one.of, env, pages)}</strong>;
    case 'em':
      return <em>{drawInlines(one.of, env, pages)}</em>;
    case 'link':
      return (
        <HostLink target={targetOf(one.to, one.to.startsWith('https://'), env, pages)}>
          {drawInlines(one.of, env, pages)}
        </HostLink>
      );
  }
}
