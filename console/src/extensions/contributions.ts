// What extensions add to a page: entries of the navigation, pages, tabs of objects.
import type { Contribution } from '../api/types';
import { gvrOf, type Kind } from '../kubernetes/kinds';
import type { Place } from '../routing/paths';

const byOrder = (a: Contribution, b: Contribution) =>
  (a.order ?? 100) - (b.order ?? 100) || a.extension.localeCompare(b.extension) || a.id.localeCompare(b.id);

/** What is said about an entry: its own label, or the extension's title. */
export const labelOf = (one: Contribution): string => one.label || one.title || one.extension;

/** The entries for the navigation of a place. */
export function navEntries(all: readonly Contribution[], area: Place['area']): Contribution[] {
  return all.filter((one) => one.slot === `nav.${area}`).sort(byOrder);
}

/** The page of an extension at a route: the contributed page with the longest route that the path begins with. */
export function pageAt(all: readonly Contribution[], extension: string, route: string): Contribution | undefined {
  const path = route.startsWith('/') ? route : `/${route}`;
  const fits = (at: string) => at === path || path.startsWith(at.endsWith('/') ? at : `${at}/`);
  return all
    .filter(
      (one) =>
        one.extension === extension && one.slot === 'page' && one.fragment !== undefined && fits(one.route ?? '/'),
    )
    .sort((a, b) => (b.route ?? '/').length - (a.route ?? '/').length)[0];
}

/** The tabs that extensions add to an object of a kind. */
export function tabsFor(all: readonly Contribution[], kind: Kind): Contribution[] {
  const gvr = gvrOf(kind);
  // The core group may be written "v1/pods" or "core/v1/pods".
  const fits = (match: Contribution['match']) =>
    match?.gvr === undefined || match.gvr === gvr || match.gvr === `core/${gvr}`;
  return all
    .filter((one) => one.slot === 'resource.tab' && one.fragment !== undefined && fits(one.match))
    .sort(byOrder);
}
