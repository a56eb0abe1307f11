// Nodes that say something: Text, Value, Badge, Status, Link, ResourceLink, Facts.
import type { Format } from '../../../../sdk/fragment/fragment';
import { exact } from '../../format/time';
import { usePatience } from '../../kit/states';
import { type Shape, Status, type Tone } from '../../kit/status';
import { Age } from '../../kit/times';
import { gvrOf, kindOf } from '../../kubernetes/kinds';
import { paths } from '../../routing/paths';
import { type Env, isRecord, isRef, readValue, textOf } from '../env';
import { labels, plainText, time } from '../format';
import { HostLink } from '../HostLink';
import { useEnv, useHost, useRoom } from '../host';
import { targetOf } from '../link';
import { Part, type PartProps } from '../Part';
import { list, placed } from '../shape';
import { sourcesIn } from '../uses';

/** Where nothing is shown because a source has no value yet. */
function Pending({ node }: { node: unknown }) {
  const { sources } = useHost();
  const late = usePatience();
  const loading = sourcesIn(node).some((name) => {
    const { phase } = sources.state(name);
    return phase === 'loading' || phase === 'waiting';
  });
  if (!loading) return <span className="muted">–</span>;
  return late ? <span className="skel fr-skel" /> : null;
}

export function TextPart({ node }: PartProps) {
  const env = useEnv(node);
  const room = useRoom();
  const text = textOf(node.text, env);
  if (text === '') return isRef(node.text) ? <Pending node={node} /> : null;
  if (room.cell)
    return (
      <span className={node.role === 'code' ? 'mono' : node.role === 'caption' ? 'muted' : undefined}>{text}</span>
    );
  switch (node.role) {
    case 'title':
      return <h2 className="fr-title">{text}</h2>;
    case 'caption':
      return <p className="muted">{text}</p>;
    case 'code':
      return <code>{text}</code>;
    default:
      return <p className="fr-text">{text}</p>;
  }
}

export function ValuePart({ node }: PartProps) {
  const env = useEnv(node);
  const format = (node.format ?? (isRecord(node.value) ? node.value.as : undefined)) as Format | undefined;
  const value = readValue(node.value, env);
  if (value === undefined || value === null || value === '') return <Pending node={node} />;
  if (format === 'age' || format === 'date') {
    const at = time(value);
    if (at === undefined) return <span>{plainText(value)}</span>;
    return format === 'age' ? <Age at={at} /> : <time dateTime={new Date(at).toISOString()}>{exact(at)}</time>;
  }
  if (format === 'labels')
    return (
      <span className="fr-row gap-s">
        {labels(value).map(([name, of]) => (
          <span className="chip plain" key={name}>
            {of === '' ? name : `${name}=${of}`}
          </span>
        ))}
      </span>
    );
  if (format === 'json') return <code className="fr-json">{plainText(value, format)}</code>;
  return <Quantity text={plainText(value, format)} />;
}

/** A unit stands a thin space after its number, and quieter. */
function Quantity({ text }: { text: string }) {
  const cut = text.lastIndexOf('\u2009');
  if (cut < 0) return <span>{text}</span>;
  return (
    <span>
      {text.slice(0, cut + 1)}
      <span className="unit">{text.slice(cut + 1)}</span>
    </span>
  );
}

const tones: Record<string, [Tone, Shape]> = {
  neutral: ['idle', 'idle'],
  info: ['info', 'wait'],
  success: ['ok', 'ok'],
  warning: ['warn', 'warn'],
  danger: ['bad', 'bad'],
};

/** Tone and shape of a node, by its tone or by a value. */
export function toneOf(node: Record<string, unknown>, env: Env): [Tone, Shape] {
  let tone = node.tone;
  if (isRecord(node.toneBy)) {
    const value = plainText(readValue(node.toneBy.of, env));
    const map = isRecord(node.toneBy.map) ? node.toneBy.map : {};
    tone = Object.hasOwn(map, value) ? map[value] : (tone ?? 'neutral');
  }
  return typeof tone === 'string' && Object.hasOwn(tones, tone) ? tones[tone]! : tones.neutral!;
}

export function BadgePart({ node }: PartProps) {
  const env = useEnv(node);
  const text = textOf(node.text, env);
  if (text === '') return <Pending node={node} />;
  const [tone] = toneOf(node, env);
  return <span className={`badge ${tone === 'idle' ? '' : tone}`}>{text}</span>;
}

export function StatusPart({ node }: PartProps) {
  const env = useEnv(node);
  const text = textOf(node.text, env);
  if (text === '') return <Pending node={node} />;
  const [tone, shape] = toneOf(node, env);
  return (
    <Status tone={tone} shape={shape}>
      <span className="trunc" title={text}>
        {text}
      </span>
    </Status>
  );
}

export function LinkPart({ node }: PartProps) {
  const env = useEnv(node);
  const host = useHost();
  const text = textOf(node.text, env);
  const target = targetOf(node.to, node.external, env, host.pages);
  if (text === '' && !target) return <Pending node={node} />;
  return <HostLink target={target}>{text || target?.href}</HostLink>;
}

export function ResourceLinkPart({ node }: PartProps) {
  const env = useEnv(node);
  const { context } = useHost();
  const name = plainText(readValue(node.name, env));
  if (name === '') return <Pending node={node} />;
  const namespace =
    node.namespace === undefined ? (context.namespace ?? context.project) : plainText(readValue(node.namespace, env));
  const resource = typeof node.gvr === 'string' ? node.gvr.slice(node.gvr.lastIndexOf('/') + 1) : '';
  const kind = kindOf(resource);
  // Only kinds that have a page here, in the project of this page.
  const { cluster, project } = context;
  if (!kind || gvrOf(kind) !== node.gvr || !cluster || !project || namespace !== project)
    return <span className="name">{name}</span>;
  return (
    <HostLink
      className="name"
      target={{ href: paths.object({ cluster, project }, kind.resource, name), external: false }}
    >
      {name}
    </HostLink>
  );
}

export function FactsPart({ node, pointer }: PartProps) {
  const env = useEnv(node);
  return (
    <dl className="facts">
      {placed(list(node.items, 100)).map(({ of: item, at }) =>
        isRecord(item) ? (
          <Fact key={at} label={textOf(item.label, env)} value={item.value} pointer={`${pointer}/items/${at}/value`} />
        ) : null,
      )}
    </dl>
  );
}

function Fact({ label, value, pointer }: { label: string; value: unknown; pointer: string }) {
  return (
    <>
      <dt>{label}</dt>
      <dd>
        <Part node={value} pointer={pointer} />
      </dd>
    </>
  );
}
