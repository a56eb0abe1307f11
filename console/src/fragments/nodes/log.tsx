// The Log node: lines of a source in the log view.
import { useEffect, useMemo } from 'react';
import { LogBuffer, LogView } from '../../logview';
import { exists, isRef, look, readValue } from '../env';
import { plainText } from '../format';
import { useEnv, useHost, useRoom } from '../host';
import { Part, type PartProps } from '../Part';
import { pointerParts } from '../pointer';

export function LogPart({ node, pointer }: PartProps) {
  const env = useEnv(node);
  const host = useHost();
  const room = useRoom();
  const lines = isRef(node.lines) ? node.lines.$ : '';
  const name = lines.startsWith('/') ? pointerParts(lines)[0] : undefined;
  const state = name === undefined ? undefined : host.sources.state(name);
  const buffer = useLines(lines === '' ? undefined : look(lines, env));
  const flag = (value: unknown, otherwise: boolean) =>
    value === undefined ? otherwise : exists(readValue(value, env));
  // The page's own control for the times, when the log is bound to one.
  const control = isRef(node.timestamps) ? host.toggle(node.timestamps.$) : undefined;
  const phase =
    state?.live ?? (state?.phase === 'failed' ? 'failed' : state?.phase === 'ready' || !state ? 'ended' : 'connecting');
  return (
    <LogView
      // Other lines are another log: it begins anew at its end.
      key={keyOf(buffer)}
      buffer={buffer}
      phase={phase}
      problem={state?.problem}
      nextTry={state?.nextTry}
      onRetry={name === undefined ? undefined : () => host.sources.refresh([name])}
      highlight={node.highlight === undefined ? '' : plainText(readValue(node.highlight, env))}
      regex={flag(node.regex, false)}
      follow={flag(node.follow, true)}
      timestamps={flag(node.timestamps, true)}
      onTimestamps={control ? (on) => host.setFilter(control, on) : undefined}
      empty={node.empty === undefined ? undefined : <Part node={node.empty} pointer={`${pointer}/empty`} />}
      fileName={`${[host.context.name ?? host.context.project, 'log'].filter(Boolean).join('-')}.txt`}
      boxed={!room.fill}
    />
  );
}

/** The lines as a buffer: a source's own, or one made of a list. */
function useLines(value: unknown): LogBuffer {
  const own = value instanceof LogBuffer ? value : undefined;
  const made = useMemo(() => new LogBuffer({ cap: 50_000 }), []);
  useEffect(() => {
    if (own) return;
    made.clear();
    if (Array.isArray(value)) for (const line of value.slice(-50_000)) made.push(line);
  }, [own, made, value]);
  return own ?? made;
}

const keys = new WeakMap<LogBuffer, number>();
let last = 0;

function keyOf(buffer: LogBuffer): number {
  let key = keys.get(buffer);
  if (key === undefined) {
    key = ++last;
    keys.set(buffer, key);
  }
  return key;
}
