// The project a person was in last, kept in this browser, so that home leads back to it.

const key = 'atoll.place';

/** The path of the last project, if there was one. */
export function lastPlace(): string | undefined {
  try {
    return localStorage.getItem(key) ?? undefined;
  } catch {
    return undefined;
  }
}

/** Keeps the path of a project. */
export function keepPlace(path: string): void {
  try {
    localStorage.setItem(key, path);
  } catch {
    // Storage may be forbidden: home then leads to the first project.
  }
}
