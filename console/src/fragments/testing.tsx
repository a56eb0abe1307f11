// A fragment on a page of its own, for tests: with answers instead of a network
// and a query instead of an address.
import { act, render } from '@testing-library/react';
import { useState } from 'react';
import { StreamClient } from '../stream';
import { FakeServer } from '../stream/fakes';
import { FragmentView } from './FragmentView';
import { Actions } from './nodes/action';
import type { Means } from './source';

export interface Shown {
  container: HTMLElement;
  server: FakeServer;
  /** Where the page was sent. */
  went: string[];
  /** The page's query now. */
  search(): string;
  unmount(): void;
}

interface PageProps {
  fragment: unknown;
  means: Means;
  start: string;
  onSearch(search: string): void;
  onGo(href: string): void;
}

function Page({ fragment, means, start, onSearch, onGo }: PageProps) {
  const [query, setQuery] = useState(start);
  onSearch(query);
  return (
    <FragmentView
      fragment={fragment}
      extension="logging"
      title="Logging"
      version="1.2.3"
      pages={{ root: '/c/local/p/demo/e/logging', here: '/c/local/p/demo/e/logging/logs' }}
      context={{ cluster: 'local', project: 'demo', namespace: 'demo', name: 'web-0', gvr: 'v1/pods', uid: 'u' }}
      search={query}
      onSearch={setQuery}
      onGo={onGo}
      means={means}
      head={(title, actions) => (
        <header>
          <h1>{title}</h1>
          <Actions of={actions} />
        </header>
      )}
    />
  );
}

/** Draws a fragment; sources get their answers from `answer`, which may throw. */
export async function show(
  fragment: unknown,
  answer: (path: string) => unknown = () => ({}),
  search = '',
): Promise<Shown> {
  const server = new FakeServer();
  const ask = async (path: string) => answer(path);
  const means: Means = {
    client: new StreamClient({ connect: server.connect }),
    ask,
    fetch: async (path) => new Response(JSON.stringify(await ask(String(path))) ?? ''),
  };
  const went: string[] = [];
  let now = search;
  const { container, unmount } = render(
    <Page
      fragment={fragment}
      means={means}
      start={search}
      onGo={(href) => went.push(href)}
      onSearch={(query) => {
        now = query;
      }}
    />,
  );
  await act(async () => {});
  return { container, server, went, search: () => now, unmount };
}
