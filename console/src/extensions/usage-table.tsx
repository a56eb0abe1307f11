// What an extension has used, in all and by whom, since its version is active.
import { useQuery } from '@tanstack/react-query';
import { Activity } from 'lucide-react';
import { useState } from 'react';
import { problemOf } from '../api/problem';
import { extensionUsage } from '../api/queries';
import type { TenantUsage, Usage } from '../api/types';
import { bytes, count } from '../format/number';
import { sayMemory } from '../format/quantity';
import { exactSpan } from '../format/time';
import { Use } from '../kit/bar';
import { Button } from '../kit/button';
import { Icon } from '../kit/icon';
import { Skeleton, Trouble } from '../kit/states';
import { t } from '../words/words';

/** How many rows are shown before somebody asks for all. */
const few = 12;

/** Whose a row is; in words where it is nobody's name. */
function whose({ workspace, user, others }: TenantUsage): string {
  if (others) return t('All others');
  if (workspace && user) return t('{user} in {workspace}', { user, workspace });
  return workspace || user || t('All others');
}

/** What was refused, by budget: "cpuPerMinute 3". */
const refusals = (refused: Record<string, number>): string =>
  Object.entries(refused)
    .filter(([, times]) => times > 0)
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([budget, times]) => `${budget} ${count(times)}`)
    .join(', ');

function Cells({ usage }: { usage: Usage }) {
  const refused = Object.values(usage.refused).reduce((sum, times) => sum + times, 0);
  return (
    <>
      <td className="num">{count(usage.requests)}</td>
      <td className="num">{exactSpan(usage.cpuSeconds * 1000)}</td>
      <td className="num opt-m">
        <Use value={usage.memoryBytes} say={sayMemory} />
      </td>
      <td
        className="num opt-m"
        title={t('{in} into it, {out} out of it', { in: bytes(usage.bytesIn), out: bytes(usage.bytesOut) })}
      >
        {bytes(usage.bytesIn + usage.bytesOut)}
      </td>
      <td className="num" title={refusals(usage.refused) || undefined}>
        {refused > 0 ? <span className="strong">{count(refused)}</span> : <span className="muted">0</span>}
      </td>
    </>
  );
}

/** The table of usage on the sheet of an extension. */
export function UsageTable({ name }: { name: string }) {
  const { data, error, refetch } = useQuery(extensionUsage(name));
  const [all, setAll] = useState(false);
  const tenants = data?.tenants ?? [];
  return (
    <section aria-label={t('Usage')}>
      <h3>
        <Icon of={Activity} />
        {t('Usage')} {data ? <span className="muted">{t('since {version} is active', data)}</span> : null}
      </h3>
      {data === undefined ? (
        error ? (
          <Trouble what={t('the usage')} problem={problemOf(error)} onRetry={() => void refetch()} />
        ) : (
          <Skeleton />
        )
      ) : data.total.requests === 0 && tenants.length === 0 ? (
        <p className="second">{t('Nobody has asked it for anything yet.')}</p>
      ) : (
        <>
          <table className="table plain">
            <thead>
              <tr>
                <th scope="col" className="rest">
                  {t('Workspace or user')}
                </th>
                <th scope="col" className="num">
                  {t('Requests')}
                </th>
                <th scope="col" className="num">
                  {t('CPU')}
                </th>
                <th scope="col" className="num opt-m">
                  {t('Memory')}
                </th>
                <th scope="col" className="num opt-m">
                  {t('Bytes')}
                </th>
                <th scope="col" className="num">
                  {t('Refused')}
                </th>
              </tr>
            </thead>
            <tbody>
              {(all ? tenants : tenants.slice(0, few)).map((one) => (
                <tr key={`${one.workspace ?? ''}/${one.user ?? ''}/${one.others ?? false}`}>
                  <td className={one.workspace || one.user ? 'rest strong' : 'rest muted'} title={whose(one)}>
                    {whose(one)}
                  </td>
                  <Cells usage={one} />
                </tr>
              ))}
            </tbody>
            <tfoot>
              <tr>
                <td className="rest">{t('In all')}</td>
                <Cells usage={data.total} />
              </tr>
            </tfoot>
          </table>
          {tenants.length > few && !all ? (
            <Button look="link" onClick={() => setAll(true)}>
              {t('Show all {n}', { n: count(tenants.length) })}
            </Button>
          ) : null}
        </>
      )}
    </section>
  );
}
