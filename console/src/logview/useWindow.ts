// Which lines are drawn, and where the log stands: at its end while it
// follows, else at the line a person scrolled to, whatever comes below and
// goes above.
import { type RefObject, useCallback, useEffect, useLayoutEffect, useReducer, useRef, useState } from 'react';
import type { LogBuffer } from './buffer';
import { Heights } from './heights';

/** Height of one line of text in pixels, as the style has it. */
export const lineHeight = 19;
const noticeHeight = 33;
/** Drawn above and below what is seen, in pixels. */
const margin = 300;

export interface LogWindow {
  box: RefObject<HTMLDivElement | null>;
  rows: RefObject<HTMLDivElement | null>;
  /** The lines to draw: from, to (not included), and how much room is above them and in all. */
  from: number;
  to: number;
  above: number;
  total: number;
  following: boolean;
  /** How many lines came since it stopped following. */
  held: number;
  follow(on: boolean): void;
  /** Brings a line into the middle, unless it is in sight already. */
  reveal(seq: number): void;
  /** To be called when heights may have changed (wrapping, opening). */
  remeasure(): void;
  /** The first line that is seen. */
  top(): number;
}

/** Keeps the window of a log; `wide` is how many characters fit into a wrapped line, 0 when lines do not wrap. */
export function useWindow(buffer: LogBuffer, startFollowing: boolean, wide: number): LogWindow {
  const box = useRef<HTMLDivElement>(null);
  const rows = useRef<HTMLDivElement>(null);
  const [, redraw] = useReducer((n: number) => n + 1, 0);
  const [following, setFollowing] = useState(startFollowing);
  const now = useRef({
    following: startFollowing,
    anchor: buffer.first,
    delta: 0,
    set: -1,
    since: buffer.end,
    height: 600,
  });
  const fit = useRef(wide);
  fit.current = wide;
  const heights = useRef<Heights>(undefined);
  heights.current ??= new Heights((seq) => {
    const line = buffer.at(seq);
    if (line?.notice) return noticeHeight;
    return fit.current > 0 && line ? lineHeight * Math.max(1, Math.ceil(line.text.length / fit.current)) : lineHeight;
  });
  const h = heights.current;
  // The same for the same buffer however often it is drawn.
  h.drop(buffer.first);
  if (h.end > buffer.end) h.reset(buffer.first, buffer.end);
  h.grow(buffer.end);

  const place = now.current;
  if (place.anchor < h.first) {
    place.anchor = h.first;
    place.delta = 0;
  }
  const seen = place.height;
  const top = place.following ? Math.max(0, h.total - seen) : h.offset(place.anchor) + place.delta;
  const from = h.at(top - margin);
  const to = Math.min(h.end, h.at(top + seen + margin) + 1);

  const follow = useCallback(
    (on: boolean) => {
      const p = now.current;
      if (p.following === on) return;
      if (!on && box.current) {
        p.anchor = h.at(box.current.scrollTop);
        p.delta = box.current.scrollTop - h.offset(p.anchor);
      }
      p.following = on;
      p.since = buffer.end;
      setFollowing(on);
    },
    [buffer, h],
  );

  const stand = useCallback((seq: number, delta: number) => {
    now.current.anchor = seq;
    now.current.delta = delta;
    redraw();
  }, []);

  const reveal = useCallback(
    (seq: number) => {
      follow(false);
      const p = now.current;
      const at = h.offset(seq);
      const seenFrom = box.current?.scrollTop ?? 0;
      if (at >= seenFrom && at + h.get(seq) <= seenFrom + p.height) return;
      const y = Math.max(0, at - Math.max(0, (p.height - lineHeight) / 2));
      const first = h.at(y);
      p.set = -1;
      stand(first, y - h.offset(first));
    },
    [follow, h, stand],
  );

  const remeasure = useCallback(() => {
    h.reset(buffer.first, buffer.end);
    redraw();
  }, [h, buffer]);

  useEffect(() => {
    const el = box.current;
    if (!el) return;
    const scrolled = () => {
      const p = now.current;
      const y = el.scrollTop;
      if (Math.abs(y - p.set) < 1) return;
      const up = p.set >= 0 && y < p.set;
      p.set = y;
      const end = y + el.clientHeight >= el.scrollHeight - 2;
      if (end && !up) follow(true);
      else if (!end) follow(false);
      const seq = h.at(y);
      stand(seq, Math.min(y - h.offset(seq), h.get(seq)));
    };
    const wheeled = (e: WheelEvent) => {
      // At once, so that no line that comes meanwhile pulls back.
      if (e.deltaY < 0 && el.scrollTop > 0) follow(false);
    };
    const resized = new ResizeObserver(() => {
      now.current.height = el.clientHeight || 600;
      redraw();
    });
    el.addEventListener('scroll', scrolled, { passive: true });
    el.addEventListener('wheel', wheeled, { passive: true });
    resized.observe(el);
    return () => {
      el.removeEventListener('scroll', scrolled);
      el.removeEventListener('wheel', wheeled);
      resized.disconnect();
    };
  }, [follow, h, stand]);

  useLayoutEffect(() => {
    const el = box.current;
    const list = rows.current;
    if (!el || !list) return;
    let changed = 0;
    for (const row of list.children) {
      const seq = Number((row as HTMLElement).dataset.seq);
      const height = (row as HTMLElement).offsetHeight;
      // A row that is not laid out (a hidden tab) says nothing about its height.
      if (height > 0 && Math.abs(height - h.get(seq)) > 0.5) changed += Math.abs(h.set(seq, height));
    }
    if (changed > 0) redraw();
    const p = now.current;
    const y = p.following ? el.scrollHeight - el.clientHeight : h.offset(p.anchor) + p.delta;
    if (Math.abs(el.scrollTop - y) >= 1) el.scrollTop = y;
    p.set = el.scrollTop;
  });

  return {
    box,
    rows,
    from,
    to,
    above: h.offset(from),
    total: h.total,
    following,
    held: following ? 0 : Math.max(0, buffer.end - place.since),
    follow,
    reveal,
    remeasure,
    top: () => h.at(box.current?.scrollTop ?? 0),
  };
}
