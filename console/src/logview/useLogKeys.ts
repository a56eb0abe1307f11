// The keys of a log. They work anywhere on the page while a log is shown, but
// never while a person writes, and never instead of a key of somebody else.
import { type RefObject, useEffect, useRef } from 'react';

const shown: object[] = [];

/** Listens for keys while the component is there; of several logs the one with the focus, else the last one, has them. */
export function useLogKeys(root: RefObject<HTMLElement | null>, keys: [key: string, run: () => unknown][]): void {
  const latest = useRef(keys);
  latest.current = keys;
  useEffect(() => {
    const me = {};
    shown.push(me);
    const pressed = (e: KeyboardEvent) => {
      const target = e.target instanceof Element ? e.target : undefined;
      if (e.defaultPrevented || e.ctrlKey || e.metaKey || e.altKey || e.isComposing) return;
      if (
        target?.closest('input, textarea, select, [contenteditable], [role="dialog"], [role="menu"], [role="listbox"]')
      )
        return;
      const inside = target !== undefined && root.current?.contains(target) === true;
      const mine = inside || (shown[shown.length - 1] === me && !target?.closest('.log-view'));
      // Enter belongs to what has the focus, and opens a line only in the log itself.
      if (!mine || (e.key === 'Enter' && (!inside || target?.closest('button, a')))) return;
      const run = latest.current.find(([key]) => key === e.key)?.[1];
      if (!run) return;
      e.preventDefault();
      run();
    };
    document.addEventListener('keydown', pressed);
    return () => {
      document.removeEventListener('keydown', pressed);
      shown.splice(shown.indexOf(me), 1);
    };
  }, [root]);
}
