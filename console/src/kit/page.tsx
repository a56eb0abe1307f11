// The head of a page: title, state, actions.
import { type ReactNode, useEffect } from 'react';

/** Title and actions of a page. `name` is what the tab of the browser says. */
export function PageHead({
  title,
  name,
  state,
  actions,
  crumbs,
  sub,
}: {
  title: ReactNode;
  name: string;
  state?: ReactNode;
  actions?: ReactNode;
  crumbs?: ReactNode;
  sub?: ReactNode;
}) {
  useEffect(() => {
    document.title = `${name} · Atoll`;
  }, [name]);
  return (
    <div className="page-head">
      {crumbs}
      <div className="title">
        <h1 className="trunc">{title}</h1>
        {state}
        {actions ? <span className="right row">{actions}</span> : null}
      </div>
      {sub ? <p className="sub">{sub}</p> : null}
    </div>
  );
}

/** A part of a page with a title of its own. */
export function Section({
  title,
  note,
  actions,
  children,
}: {
  title: ReactNode;
  note?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
}) {
  return (
    <section className="section">
      <header>
        <h2>{title}</h2>
        {note ? <span className="muted">{note}</span> : null}
        {actions ? <span className="right">{actions}</span> : null}
      </header>
      {children}
    </section>
  );
}
