// How a person wants the console to look and speak: kept in this browser, read before the first paint by first-paint.ts.
import { useSyncExternalStore } from 'react';
import { type Language, speak } from '../words/words';

export type Theme = 'system' | 'light' | 'dark' | 'contrast';
export type Density = 'compact' | 'normal' | 'comfortable';
export type Preferences = { theme: Theme; density: Density; language: Language };

const listeners = new Set<() => void>();
const html = document.documentElement;

function read(): Preferences {
  const { theme, density } = html.dataset;
  return {
    theme: theme === 'light' || theme === 'dark' || theme === 'contrast' ? theme : 'system',
    density: density === 'compact' || density === 'comfortable' ? density : 'normal',
    language: html.lang === 'zh' ? 'zh' : 'en',
  };
}

let current = read();

function keep(key: keyof Preferences, value: string) {
  try {
    localStorage.setItem(`atoll.${key}`, value);
  } catch {
    // Storage may be forbidden: the choice then lasts as long as the tab.
  }
  current = read();
  for (const listener of listeners) listener();
}

/** Chooses a theme; "system" follows the system, with its wish for more contrast. */
export function chooseTheme(theme: Theme): void {
  if (theme !== 'system') html.dataset.theme = theme;
  else if (matchMedia('(prefers-contrast: more)').matches) html.dataset.theme = 'contrast';
  else delete html.dataset.theme;
  keep('theme', theme);
}

/** Chooses how tall rows and controls are. */
export function chooseDensity(density: Density): void {
  if (density === 'normal') delete html.dataset.density;
  else html.dataset.density = density;
  keep('density', density);
}

/** Chooses the language; the tree is drawn anew when its words are there. */
export async function chooseLanguage(language: Language): Promise<void> {
  await speak(language);
  keep('language', language);
}

/** The preferences now. */
export const preferences = (): Preferences => current;

/** The preferences for a component. */
export function usePreferences(): Preferences {
  return useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, preferences);
}
