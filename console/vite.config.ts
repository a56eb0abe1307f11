// How the console is built: one page, every file below /assets/, nothing inlined, so that the strict
// Content-Security-Policy of the server (script-src and style-src ORIGIN/assets/) holds.
import { readFileSync } from 'node:fs';
import tailwindcss from '@tailwindcss/vite';
import react from '@vitejs/plugin-react';
import { type Plugin, transformWithOxc } from 'vite';
import { defineConfig } from 'vitest/config';

/**
 * Adds src/look/first-paint.ts as a classic script that blocks the first paint, so that a person who chose
 * dark never sees a light flash. A module script would run too late.
 */
function firstPaint(): Plugin {
  return {
    name: 'atoll-first-paint',
    apply: 'build',
    async buildStart() {
      const file = 'src/look/first-paint.ts';
      const { code } = await transformWithOxc(readFileSync(file, 'utf8'), file);
      this.emitFile({ type: 'asset', name: 'first-paint.js', source: `(()=>{${code}})()` });
    },
    transformIndexHtml: {
      order: 'post',
      handler(_, { bundle }) {
        const file = Object.keys(bundle ?? {}).find((name) => name.includes('first-paint'));
        return file ? [{ tag: 'script', attrs: { src: `/${file}` }, injectTo: 'head' }] : [];
      },
    },
  };
}

export default defineConfig({
  // Tailwind's own optimizing would resolve light-dark() at :root, and a dark part of a light page would be light.
  plugins: [react(), tailwindcss({ optimize: false }), firstPaint()],
  build: {
    outDir: 'dist',
    assetsInlineLimit: 0,
    target: 'es2023',
    cssTarget: ['chrome123', 'firefox121', 'safari17.5'],
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    manifest: 'assets/manifest.json',
  },
  server: {
    // A running Atoll answers everything that is not the console: ATOLL_URL=http://127.0.0.1:8380 npm run dev
    proxy: Object.fromEntries(
      ['/api', '/clusters', '/x', '/openapi.json'].map((path) => [
        path,
        { target: process.env.ATOLL_URL ?? 'http://127.0.0.1:8380', ws: true, changeOrigin: true },
      ]),
    ),
  },
  test: {
    environment: 'happy-dom',
    include: ['src/**/*.test.{ts,tsx}'],
    restoreMocks: true,
  },
});
