// The extensions of this Atoll: what is installed, what it may do; install from a file, remove.
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Puzzle, Trash2, Upload } from 'lucide-react';
import { type DragEvent, useEffect, useRef, useState } from 'react';
import { problemOf, sentence } from '../api/problem';
import { access, extensions } from '../api/queries';
import { done, rest } from '../api/rest';
import type { Extension, Review } from '../api/types';
import { bytes, count } from '../format/number';
import { sayMemory } from '../format/quantity';
import { readTime } from '../format/time';
import { ConfirmDialog, useSend } from '../kit/asking';
import { Use } from '../kit/bar';
import { Button } from '../kit/button';
import { Sheet } from '../kit/dialog';
import { PageHead } from '../kit/page';
import { Awaited, Empty } from '../kit/states';
import { Status, StatusShape } from '../kit/status';
import { Ago } from '../kit/times';
import { toast } from '../kit/toasts';
import { useScope } from '../shell/scope';
import { t } from '../words/words';
import { FailingList, FailingStatus } from './failing';
import { fileTrouble, largest, review } from './install';
import { Asks, ReviewSheet } from './review-sheet';
import { UsageTable } from './usage-table';

export function ExtensionsPage() {
  const { data, error, refetch } = useQuery(extensions());
  const may = useQuery(access({}));
  const queries = useQueryClient();
  const { contributions } = useScope();
  const [reviewed, setReviewed] = useState<{ review: Review; file: File }>();
  const [shown, setShown] = useState<Extension>();
  const [removing, setRemoving] = useState<Extension>();
  const [over, setOver] = useState(false);
  const [trouble, setTrouble] = useState<{ title: string; body: string }>();
  const [reading, setReading] = useState('');
  const input = useRef<HTMLInputElement>(null);
  const locked =
    may.data && !may.data.has('extensions.manage')
      ? t('Missing extensions.manage on the platform. A platform administrator can grant it.')
      : undefined;

  // Somebody else, or the command line, installed or removed one: the list follows what the stream says.
  const present = [...new Set(contributions.map((one) => `${one.extension} ${one.digest}`))].sort().join();
  // biome-ignore lint/correctness/useExhaustiveDependencies: asks again when what is present changes
  useEffect(() => {
    void queries.invalidateQueries({ queryKey: ['extensions'] });
  }, [present, queries]);

  const take = async (file: File | undefined) => {
    if (!file || locked) return;
    setTrouble(undefined);
    const wrong = fileTrouble(file);
    if (wrong) {
      const why = {
        'not a tar': t('An extension is one .tar file. Make it of a folder with: tar -cf {name}.tar -C FOLDER .', {
          name: 'hello',
        }),
        empty: t('The file has no content.'),
        'too large': t('{size} is more than the {most} that a package may have.', {
          size: bytes(file.size),
          most: bytes(largest),
        }),
      };
      return setTrouble({ title: t('{file} is no extension', { file: file.name }), body: why[wrong] });
    }
    setReading(file.name);
    try {
      setReviewed({ review: await review(file), file });
    } catch (reason) {
      const problem = problemOf(reason);
      setTrouble({
        title: t('{file} cannot be installed', { file: file.name }),
        body: sentence(problem),
      });
    } finally {
      setReading('');
      if (input.current) input.current.value = '';
    }
  };
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    void take(event.dataTransfer.files[0]);
  };
  const items = data ?? [];
  return (
    <section
      className={`dropzone${over ? ' over' : ''}`}
      aria-label={t('Extensions')}
      onDragOver={(event) => {
        if (!event.dataTransfer.types.includes('Files')) return;
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={(event) => {
        if (event.currentTarget === event.target) setOver(false);
      }}
      onDrop={drop}
    >
      <PageHead
        name={t('Extensions')}
        title={t('Extensions')}
        actions={
          <>
            <input
              ref={input}
              type="file"
              accept=".tar,application/x-tar"
              className="sr"
              tabIndex={-1}
              aria-label={t('Package of an extension')}
              onChange={(event) => void take(event.target.files?.[0])}
            />
            <Button
              look="primary"
              icon={Upload}
              locked={locked}
              busy={reading !== ''}
              onClick={() => input.current?.click()}
            >
              {t('Install from a file…')}
            </Button>
          </>
        }
        sub={t(
          'Programs in a sandbox that add pages and tabs. Choose a .tar, or drop one here; you see what it asks for before anything runs.',
        )}
      />
      {reading || trouble ? (
        <div className="toolbar">
          {reading ? (
            <Status tone="info" shape="run">
              {t('Reading {file}', { file: reading })}
            </Status>
          ) : trouble ? (
            <div className="alert bad grow" role="alert">
              <StatusShape shape="bad" />
              <strong>{trouble.title}</strong>
              <span className="a">
                <Button look="quiet" onClick={() => setTrouble(undefined)}>
                  {t('Dismiss')}
                </Button>
              </span>
              <span className="b">{trouble.body}</span>
            </div>
          ) : null}
        </div>
      ) : null}
      {data === undefined ? (
        <Awaited what={t('the extensions')} error={error} onRetry={() => void refetch()} />
      ) : items.length === 0 ? (
        <Empty icon={Puzzle} title={t('No extension is installed')}>
          {t('Choose a .tar or drop one on this page.')}
        </Empty>
      ) : (
        <div className="table-wrap pad-top">
          <table className="table">
            <thead>
              <tr>
                <th scope="col">{t('Name')}</th>
                <th scope="col">{t('Status')}</th>
                <th scope="col">{t('Version')}</th>
                <th scope="col" className="num opt-l">
                  {t('Memory')}
                </th>
                <th scope="col" className="num opt-x">
                  {t('Requests')}
                </th>
                <th scope="col" className="opt-m">
                  {t('Installed')}
                </th>
                <th scope="col">
                  <span className="sr">{t('Actions')}</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {items.map((one) => (
                <tr key={one.name}>
                  <td title={one.description}>
                    <button type="button" className="btn link name" onClick={() => setShown(one)}>
                      {one.title || one.name}
                    </button>
                    {one.title && one.title.toLowerCase() !== one.name ? (
                      <span className="hash"> {one.name}</span>
                    ) : null}
                  </td>
                  <td>
                    <PhaseStatus extension={one} />
                  </td>
                  <td className="second">{one.version}</td>
                  <td className="num opt-l">
                    {one.loaded ? (
                      <Use value={one.memoryBytes} say={sayMemory} />
                    ) : (
                      <span className="muted">{t('asleep')}</span>
                    )}
                  </td>
                  <td className="num second opt-x">{count(one.requests)}</td>
                  <td className="second opt-m">
                    {one.builtin ? (
                      t('with Atoll')
                    ) : (
                      <>
                        <Ago at={readTime(one.installedAt)} />
                        {one.installedBy ? ` ${t('by {name}', { name: one.installedBy })}` : ''}
                      </>
                    )}
                  </td>
                  <td className="num">
                    <Button
                      look="quiet"
                      icon={Trash2}
                      label={t('Remove {name}…', { name: one.title || one.name })}
                      locked={locked}
                      onClick={() => setRemoving(one)}
                    />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {reviewed ? (
        <ReviewSheet review={reviewed.review} file={reviewed.file} onClose={() => setReviewed(undefined)} />
      ) : null}
      {removing ? <RemoveDialog extension={removing} onClose={() => setRemoving(undefined)} /> : null}
      <Sheet
        open={shown !== undefined}
        onClose={() => setShown(undefined)}
        title={shown?.title || shown?.name}
        sub={shown ? `${shown.version} · ${shown.digest?.slice(0, 19)}…` : undefined}
      >
        <div className="perm">
          {shown?.description ? <p className="second about">{shown.description}</p> : null}
          <FailingList breakers={items.find((one) => one.name === shown?.name)?.breakers ?? []} />
          {shown ? <UsageTable key={shown.name} name={shown.name} /> : null}
          <Asks asks={shown?.asks ?? []} />
        </div>
      </Sheet>
    </section>
  );
}

function PhaseStatus({ extension: { phase, message, unbound, breakers } }: { extension: Extension }) {
  if (phase === 'Failed')
    return (
      <Status tone="bad" shape="bad" why={message}>
        {t('Failed')}
      </Status>
    );
  if (breakers?.length) return <FailingStatus breakers={breakers} />;
  if (phase === 'Degraded')
    return (
      <Status tone="warn" shape="warn" why={message}>
        {t('Degraded')}
      </Status>
    );
  const absent = unbound?.join(', ');
  return (
    <Status
      tone="ok"
      shape="ok"
      why={absent ? t('No back end is bound to {names} in atoll.yaml', { names: absent }) : undefined}
    >
      {t('Active')}
    </Status>
  );
}

function RemoveDialog({ extension, onClose }: { extension: Extension; onClose: () => void }) {
  const queries = useQueryClient();
  const { busy, error, send } = useSend();
  const title = extension.title || extension.name;
  const remove = async () => {
    await done(rest.DELETE('/api/v1/extensions/{name}', { params: { path: { name: extension.name } } }));
    await queries.invalidateQueries({ queryKey: ['extensions'] });
    toast('ok', t('Removed {name}', { name: title }));
    onClose();
  };
  return (
    <ConfirmDialog
      title={t('Remove {name}?', { name: title })}
      verb={t('Remove extension')}
      keep={t('Keep it')}
      busy={busy}
      onConfirm={() => void send(remove)}
      onClose={onClose}
    >
      <p className="second">
        {t(
          'Its routes, menu entries, pages and permission items go at once, in every open browser. What it shows belongs to Kubernetes and stays.',
        )}
      </p>
      <dl className="facts">
        <dt>{t('Extension')}</dt>
        <dd>
          {extension.name} {extension.version}
        </dd>
        <dt>{t('Digest')}</dt>
        <dd className="mono">{extension.digest}</dd>
      </dl>
      {error ? (
        <div className="alert bad" role="alert">
          <StatusShape shape="bad" />
          <strong>{t('Could not remove {name}', { name: title })}</strong>
          <span className="b">{error}</span>
        </div>
      ) : null}
    </ConfirmDialog>
  );
}
