// Times that stay right by themselves; the exact one is on hover.
import { useNow } from '../format/clock';
import { ago, exact, span, staysFor } from '../format/time';

/** How old: "3 d". For tables. */
export function Age({ at }: { at: number | undefined }) {
  return at === undefined ? <span className="muted">–</span> : <Ticking at={at} say={(now) => span(now - at)} />;
}

/** How long ago, in a sentence: "3 min ago". */
export function Ago({ at, className }: { at: number | undefined; className?: string }) {
  return at === undefined ? null : <Ticking at={at} say={(now) => ago(at, now)} className={className} />;
}

function Ticking({ at, say, className }: { at: number; say: (now: number) => string; className?: string }) {
  const now = useNow(staysFor(Date.now() - at)) || Date.now();
  return (
    <time dateTime={new Date(at).toISOString()} title={exact(at)} className={className}>
      {say(Math.max(now, Math.min(at, Date.now())))}
    </time>
  );
}
