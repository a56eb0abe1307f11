// A page for tests, never shipped: one example fragment in the frame of the
// console, with the real renderer, stream and log view.
import '../../look/index.css';
import { StrictMode, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { Origin } from '../../kit/icon';
import { PageHead } from '../../kit/page';
import { Toasts } from '../../kit/toasts';
import { FragmentView } from '../FragmentView';
import { Actions } from '../nodes/action';

const files = import.meta.glob<unknown>(
  [
    '../../../../sdk/fragment/examples/*.json',
    '../../../../extensions/*/*.json',
    '../../../../extensions/*/ui/**/*.json',
    '../../../../extensions/*/testdata/fragments/*.json',
  ],
  { eager: true, import: 'default' },
);

const query = new URLSearchParams(location.search);
document.documentElement.dataset.theme = query.get('theme') ?? 'light';
const example = query.get('example') ?? '';

declare global {
  interface Window {
    /** The names of all examples, for the test. */
    examples: string[];
    /** A fragment that the test makes up. */
    given?: unknown;
  }
}
window.examples = Object.keys(files);

function Gallery() {
  const [search, setSearch] = useState(query.get('search') ?? '');
  const [went, setWent] = useState('');
  const fragment = window.given ?? files[example];
  return (
    <div className="app">
      <header className="top">
        <span className="mark">Atoll</span>
      </header>
      <nav className="nav" aria-label="Examples">
        <ul>
          {window.examples.map((name) => (
            <li key={name}>
              <a href={`?example=${encodeURIComponent(name)}`} aria-current={name === example ? 'page' : undefined}>
                {name.split('/').slice(-1)}
              </a>
            </li>
          ))}
        </ul>
      </nav>
      <main className="page" data-search={search} data-went={went}>
        <div className="fragment-page">
          <FragmentView
            fragment={fragment}
            extension="logging"
            title="Logging"
            version="0.1.0"
            pages={{ root: '/c/local/p/demo/e/logging', here: '/c/local/p/demo/e/logging/logs' }}
            context={{
              cluster: 'local',
              workspace: 'reef',
              project: 'demo',
              gvr: 'apps/v1/deployments',
              namespace: 'demo',
              name: 'web',
              uid: 'u1',
            }}
            search={search}
            onSearch={setSearch}
            onGo={setWent}
            head={(title, actions) => (
              <PageHead
                name={title}
                title={title || 'Logging'}
                state={
                  <span className="muted row nowrap">
                    <Origin from="Logging" />
                    Logging 0.1.0
                  </span>
                }
                actions={<Actions of={actions} />}
              />
            )}
          />
        </div>
      </main>
      <Toasts />
    </div>
  );
}

createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <Gallery />
  </StrictMode>,
);
