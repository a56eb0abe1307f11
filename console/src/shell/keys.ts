// Keys that work everywhere. What is typed into a field stays there.
import { useEffect } from 'react';

/** Whether a key press belongs to a field or to something that floats, and not to the page. */
export function isTyping(event: KeyboardEvent): boolean {
  const target = event.target;
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
    return target.getAttribute('type') !== 'checkbox';
  return target.closest('[role=dialog], [role=menu]') !== null;
}

/**
 * Calls the handler of a key. Names are the key itself ("j"), with "mod+" for Ctrl or ⌘, or two keys in a row ("g p", within 0.9 s).
 * A handler that returns false leaves the key to others.
 */
export function useKeys(handlers: Record<string, (event: KeyboardEvent) => unknown>): void {
  useEffect(() => {
    let first = '';
    let timer: ReturnType<typeof setTimeout> | undefined;
    const press = (event: KeyboardEvent) => {
      const mod = event.ctrlKey || event.metaKey;
      if (event.defaultPrevented || event.altKey || event.isComposing) return;
      if (!mod && isTyping(event)) return;
      const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
      const name = `${mod ? 'mod+' : ''}${first ? `${first} ` : ''}${key}`;
      const handler = handlers[name];
      clearTimeout(timer);
      first = '';
      if (handler) {
        if (handler(event) !== false) event.preventDefault();
        return;
      }
      if (!mod && Object.keys(handlers).some((one) => one.startsWith(`${key} `))) {
        first = key;
        timer = setTimeout(() => {
          first = '';
        }, 900);
      }
    };
    window.addEventListener('keydown', press);
    return () => {
      window.removeEventListener('keydown', press);
      clearTimeout(timer);
    };
  }, [handlers]);
}
