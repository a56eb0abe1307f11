// A bar of use: the track is the limit, the tick the request. Warn from 85 %, bad from 95 %. Without a limit there is no bar.
import type { Said } from '../format/quantity';

const width = 48;

export function Use({
  value,
  request,
  limit,
  say,
  of,
}: {
  value: number | undefined;
  request?: number;
  limit?: number;
  say: (n: number) => Said;
  of?: boolean;
}) {
  if (value === undefined) return <span className="muted">–</span>;
  const [n, unit] = say(value);
  const part = limit ? Math.min(1, value / limit) : 0;
  const level = part >= 0.95 ? 'bad' : part >= 0.85 ? 'warn' : '';
  const most = of && limit ? ` of ${say(limit).join('\u2009')}` : '';
  return (
    <>
      {limit ? (
        <svg className="bar" viewBox={`0 0 ${width} 6`} aria-hidden="true">
          <rect className="t" width={width} height="6" rx="1" />
          <rect className={`v ${level}`} width={Math.max(1, part * width)} height="6" rx="1" />
          {request && request < limit ? (
            <path className="r" d={`M${((request / limit) * width).toFixed(1)} 0v6`} />
          ) : null}
        </svg>
      ) : null}
      {n}{' '}
      <span className="unit">
        {unit}
        {most}
      </span>
    </>
  );
}
