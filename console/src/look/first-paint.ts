// Sets theme, density and language on <html> before the first paint. Runs as a classic script of its own; imports nothing.
const kept = (key: string) => {
  try {
    return localStorage.getItem(`atoll.${key}`);
  } catch {
    return null; // storage may be forbidden; the defaults hold then
  }
};
const html = document.documentElement;
const theme = kept('theme') ?? (matchMedia('(prefers-contrast: more)').matches ? 'contrast' : null);
if (theme !== null && theme !== 'system') html.dataset.theme = theme;
const density = kept('density');
if (density !== null) html.dataset.density = density;
html.lang = kept('language') ?? (navigator.language.startsWith('zh') ? 'zh' : 'en');
