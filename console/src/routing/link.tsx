// Links within the console: real anchors with real addresses; a plain click does not load the page again.
import { useRouter, useRouterState } from '@tanstack/react-router';
import type { AnchorHTMLAttributes, MouseEvent, Ref } from 'react';
import { useCallback, useMemo } from 'react';

type LinkProps = Omit<AnchorHTMLAttributes<HTMLAnchorElement>, 'href'> & { to: string; ref?: Ref<HTMLAnchorElement> };

/** Goes to an address built by `paths`. */
export function useGo(): (to: string, o?: { replace?: boolean }) => void {
  const router = useRouter();
  return useCallback(
    (to, o) => {
      if (o?.replace) router.history.replace(to);
      else router.history.push(to);
    },
    [router],
  );
}

/** An anchor to a page of the console. */
export function Link({ to, onClick, ...rest }: LinkProps) {
  const go = useGo();
  const click = (event: MouseEvent<HTMLAnchorElement>) => {
    onClick?.(event);
    if (
      event.defaultPrevented ||
      event.button !== 0 ||
      event.metaKey ||
      event.ctrlKey ||
      event.shiftKey ||
      event.altKey ||
      rest.target
    )
      return;
    event.preventDefault();
    go(to);
  };
  return <a {...rest} href={to} onClick={click} />;
}

/** The path now, without the query. */
export const usePath = (): string => useRouterState({ select: (s) => s.location.pathname });

/** One value of the query, and how to change it; an empty value leaves the address. */
export function useQueryValue(name: string): [value: string, change: (value: string) => void] {
  const router = useRouter();
  const text = useRouterState({ select: (s) => s.location.searchStr });
  const value = useMemo(() => new URLSearchParams(text).get(name) ?? '', [text, name]);
  const change = useCallback(
    (next: string) => {
      const at = router.history.location;
      const query = new URLSearchParams(at.search);
      if (next === '') query.delete(name);
      else query.set(name, next);
      const search = query.toString();
      router.history.replace(`${at.pathname}${search && `?${search}`}${at.hash}`);
    },
    [router, name],
  );
  return [value, change];
}
