// Search and commands: pages, projects, objects of this project, and what can be done from anywhere.
import { Dialog } from '@base-ui/react/dialog';
import { useQuery } from '@tanstack/react-query';
import { Contrast, Folder, LogOut, type LucideIcon, Moon, Search, Settings, Sun, Upload } from 'lucide-react';
import { type KeyboardEvent, useMemo, useRef, useState } from 'react';
import { call } from '../api/client';
import { Icon, Origin } from '../kit/icon';
import { kindOf, titleOf } from '../kubernetes/kinds';
import { columnsOf, rowsOf } from '../kubernetes/rows';
import { asTable, listUrl } from '../kubernetes/url';
import { chooseTheme } from '../look/preferences';
import { useGo } from '../routing/link';
import { type ProjectAt, paths } from '../routing/paths';
import { signOut } from '../session/session';
import type { KubeObject } from '../stream';
import { t } from '../words/words';
import { useNavEntries } from './nav';
import { useScope } from './scope';

type Hit = {
  key: string;
  group: string;
  label: string;
  icon: LucideIcon;
  end?: string;
  from?: string;
  run: () => void;
  to?: string;
};

const searched = ['pods', 'deployments', 'statefulsets', 'daemonsets', 'jobs', 'services'];
const most = 40;

/** Objects of a project by name, asked for when the palette opens. */
function useObjects(at: ProjectAt | undefined) {
  return useQuery({
    queryKey: ['palette', at],
    enabled: at !== undefined,
    staleTime: 15_000,
    retry: false,
    queryFn: async ({ signal }) => {
      const found = await Promise.allSettled(
        searched.map(async (resource) => {
          const kind = kindOf(resource)!;
          const { rows, ...list } = await call<KubeObject>(listUrl(at!.cluster, kind, at!.project, { limit: '500' }), {
            accept: asTable,
            signal,
          });
          const items = Array.isArray(rows) ? (rows as KubeObject[]) : [];
          void columnsOf(kind, list);
          return rowsOf(kind, { items, list }).map((row) => ({ kind, row }));
        }),
      );
      return found.flatMap((one) => (one.status === 'fulfilled' ? one.value : []));
    },
  });
}

/** How well a text fits what was typed: 0 not at all, 4 exactly; the beginning counts more than a word, a word more than a piece. */
export function fits(text: string, typed: string): number {
  const at = text.toLowerCase();
  if (at === typed.trim().toLowerCase()) return 4;
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
  if (!words.every((word) => at.includes(word))) return 0;
  const first = words[0] ?? '';
  if (at.startsWith(first)) return 3;
  return new RegExp(`\\b${first.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}`).test(at) ? 2 : 1;
}

export default function Palette({ onClose }: { onClose: () => void }) {
  const { place, projects } = useScope();
  const go = useGo();
  const [typed, setTyped] = useState('');
  const [at, setAt] = useState(0);
  const list = useRef<HTMLDivElement>(null);
  const project = place?.area === 'project' ? place : undefined;
  const pages = useNavEntries(place);
  const objects = useObjects(project);

  const hits = useMemo(() => {
    const to = (path: string) => ({ to: path, run: () => go(path) });
    const all: Hit[] = [
      ...pages.map((one) => ({
        key: `page ${one.key}`,
        group: t('Go to'),
        label: one.label,
        icon: one.icon,
        from: one.from,
        ...to(one.to),
      })),
      ...(typed === '' || !project
        ? []
        : (objects.data ?? []).map(({ kind, row }) => ({
            key: `object ${kind.resource}/${row.name}`,
            group: t('In project {project}', { project: project.project }),
            label: row.name,
            icon: kind.icon,
            end: [titleOf(kind.one()), row.state?.word].filter(Boolean).join(' · '),
            ...to(paths.object(project, kind.resource, row.name)),
          }))),
      ...projects.map((one) => ({
        key: `project ${one.cluster}/${one.name}`,
        group: t('Projects'),
        label: one.title || one.name,
        icon: Folder,
        end: [one.workspace, one.cluster].filter(Boolean).join(' · '),
        ...to(paths.overview({ cluster: one.cluster, project: one.name })),
      })),
      { key: 'settings', group: t('Commands'), label: t('Settings'), icon: Settings, ...to(paths.settings()) },
      {
        key: 'tokens',
        group: t('Commands'),
        label: t('API tokens and kubeconfig'),
        icon: Settings,
        ...to(paths.settings('tokens')),
      },
      {
        key: 'install',
        group: t('Commands'),
        label: t('Install an extension…'),
        icon: Upload,
        ...to(paths.extensions()),
      },
      { key: 'light', group: t('Commands'), label: t('Theme: light'), icon: Sun, run: () => chooseTheme('light') },
      { key: 'dark', group: t('Commands'), label: t('Theme: dark'), icon: Moon, run: () => chooseTheme('dark') },
      {
        key: 'contrast',
        group: t('Commands'),
        label: t('Theme: high contrast'),
        icon: Contrast,
        run: () => chooseTheme('contrast'),
      },
      { key: 'leave', group: t('Commands'), label: t('Sign out'), icon: LogOut, run: () => void signOut() },
    ];
    if (typed.trim() === '') return all.slice(0, most);
    const order = [...new Set(all.map((one) => one.group))];
    return all
      .map((hit) => ({
        hit,
        score: Math.max(fits(hit.label, typed), Math.sign(fits(`${hit.label} ${hit.end ?? ''}`, typed))),
      }))
      .filter((one) => one.score > 0)
      .sort((a, b) => order.indexOf(a.hit.group) - order.indexOf(b.hit.group) || b.score - a.score)
      .map((one) => one.hit)
      .slice(0, most);
  }, [pages, objects.data, projects, project, typed, go]);

  const here = Math.min(at, Math.max(0, hits.length - 1));
  const choose = (hit: Hit | undefined, elsewhere: boolean) => {
    if (!hit) return;
    if (elsewhere && hit.to) window.open(hit.to, '_blank', 'noopener');
    else hit.run();
    onClose();
  };
  const press = (event: KeyboardEvent) => {
    if (event.key === 'Enter') {
      event.preventDefault();
      choose(hits[here], event.metaKey || event.ctrlKey);
    } else if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault();
      const next = (here + (event.key === 'ArrowDown' ? 1 : hits.length - 1)) % Math.max(1, hits.length);
      setAt(next);
      list.current?.querySelectorAll('[role=option]')[next]?.scrollIntoView({ block: 'nearest' });
    }
  };
  return (
    <Dialog.Root open onOpenChange={(open) => open || onClose()}>
      <Dialog.Portal>
        <Dialog.Backdrop className="backdrop" />
        <Dialog.Popup className="palette" aria-label={t('Search and commands')} onKeyDown={press}>
          <div className="ask">
            <Icon of={Search} />
            <input
              role="combobox"
              aria-expanded="true"
              aria-controls="palette-hits"
              aria-activedescendant={hits.length > 0 ? `hit-${here}` : undefined}
              aria-label={t('Search or run a command')}
              placeholder={t('Search or run a command')}
              value={typed}
              onChange={(event) => {
                setTyped(event.target.value);
                setAt(0);
              }}
            />
            <kbd>Esc</kbd>
          </div>
          <div className="list" id="palette-hits" role="listbox" aria-label={t('Results')} tabIndex={-1} ref={list}>
            {hits.map((hit, i) => (
              <div key={hit.key} role="presentation">
                {hit.group !== hits[i - 1]?.group ? <h3 role="presentation">{hit.group}</h3> : null}
                <div
                  id={`hit-${i}`}
                  className="item"
                  role="option"
                  tabIndex={-1}
                  aria-selected={i === here}
                  onMouseMove={() => setAt(i)}
                  onClick={(event) => choose(hit, event.metaKey || event.ctrlKey)}
                  onKeyDown={() => undefined}
                >
                  <Icon of={hit.icon} />
                  <span className="trunc">{hit.label}</span>
                  {hit.from ? <Origin from={hit.from} /> : null}
                  {hit.end ? <span className="end">{hit.end}</span> : null}
                </div>
              </div>
            ))}
            {hits.length === 0 ? <p className="none">{t('Nothing matches "{filter}"', { filter: typed })}</p> : null}
          </div>
          <div className="foot">
            <span>
              <kbd>↑</kbd> <kbd>↓</kbd> {t('move')}
            </span>
            <span>
              <kbd>↵</kbd> {t('open')}
            </span>
            <span>
              <kbd>Ctrl</kbd> <kbd>↵</kbd> {t('new tab')}
            </span>
            <span className="right">{t('{n, plural, one {# result} other {# results}}', { n: hits.length })}</span>
          </div>
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
