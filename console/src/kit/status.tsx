// Status is never colour alone: each state has its own shape and a word. Healthy stays quiet; only warn and bad colour their text.
import type { ReactNode } from 'react';
import { Own } from './icon';

/** The shapes a state can have. */
export type Shape = 'ok' | 'done' | 'warn' | 'bad' | 'wait' | 'run' | 'end' | 'idle' | 'unknown';

/** How a state is coloured. */
export type Tone = 'ok' | 'warn' | 'bad' | 'info' | 'idle';

const octagon = 'M5.4 1.8h5.2l3.6 3.6v5.2l-3.6 3.6H5.4l-3.6-3.6V5.4z';
const triangle = 'M8 1.8a.8.8 0 0 1 .7.4l5.7 10.4a.8.8 0 0 1-.7 1.2H2.3a.8.8 0 0 1-.7-1.2L7.3 2.2a.8.8 0 0 1 .7-.4z';

function drawn(shape: Shape): ReactNode {
  switch (shape) {
    case 'ok':
      return <circle cx="8" cy="8" r="4" fill="currentColor" stroke="none" />;
    case 'done':
      return (
        <>
          <circle cx="8" cy="8" r="5.4" />
          <path d="M5.5 8.2 7.3 10l3.2-3.6" />
        </>
      );
    case 'warn':
      return (
        <>
          <path d={triangle} fill="currentColor" stroke="none" />
          <path className="knock" d="M8 6v3.6M8 11.7v.1" />
        </>
      );
    case 'bad':
      return (
        <>
          <path d={octagon} fill="currentColor" stroke="none" />
          <path className="knock" d="M5.8 5.8l4.4 4.4M10.2 5.8l-4.4 4.4" />
        </>
      );
    case 'wait':
      return <circle cx="8" cy="8" r="5.4" strokeDasharray="2.2 2.04" />;
    case 'run':
      return (
        <>
          <circle cx="8" cy="8" r="5.4" />
          <path fill="currentColor" stroke="none" d="M8 8V4.6A3.4 3.4 0 0 1 11.4 8z" />
        </>
      );
    case 'end':
      return (
        <>
          <circle cx="8" cy="8" r="5.4" />
          <path d="M5.6 8h4.8" />
        </>
      );
    case 'idle':
      return <circle cx="8" cy="8" r="3.6" />;
    case 'unknown':
      return (
        <>
          <circle cx="8" cy="8" r="5.4" strokeDasharray="2.2 2.04" />
          <path d="M6.6 6.8a1.5 1.5 0 1 1 2.1 1.3c-.5.2-.7.5-.7 1M8 10.9v.1" />
        </>
      );
  }
}

/** The shape of a state alone; a word must stand beside it. */
export function StatusShape({ shape, className = '' }: { shape: Shape; className?: string }) {
  return <Own className={className}>{drawn(shape)}</Own>;
}

/** A state: shape, word, and a quieter reason. */
export function Status({
  tone,
  shape,
  children,
  why,
}: {
  tone: Tone;
  shape: Shape;
  children: ReactNode;
  why?: ReactNode;
}) {
  return (
    <span className={`st ${tone}`}>
      <StatusShape shape={shape} />
      {children}
      {why ? <span className="why">{why}</span> : null}
    </span>
  );
}
