// Builds the gallery as the console is built and serves it with the console's
// own Content-Security-Policy, so that what the policy forbids fails here.
import { createReadStream, existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { extname, join, normalize, resolve } from 'node:path';
import tailwindcss from '@tailwindcss/vite';
import react from '@vitejs/plugin-react';
import { build } from 'vite';

const types: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** Starts the gallery; gives its address and the function that stops it. */
export async function serveGallery(): Promise<{ url: string; stop: () => Promise<void> }> {
  const root = resolve(import.meta.dirname, '../../..');
  const out = await mkdtemp(join(tmpdir(), 'gallery-'));
  await build({
    root,
    configFile: false,
    logLevel: 'error',
    plugins: [react(), tailwindcss()],
    build: {
      outDir: out,
      emptyOutDir: true,
      assetsInlineLimit: 0,
      target: 'es2023',
      modulePreload: { polyfill: false },
      rollupOptions: { input: join(root, 'src/fragments/gallery/index.html') },
    },
  });
  const server = createServer((request, response) => {
    const path = normalize(new URL(request.url ?? '/', 'http://x').pathname);
    const file = join(out, path === '/' ? 'src/fragments/gallery/index.html' : path);
    const origin = `http://${request.headers.host}`;
    response.setHeader(
      'Content-Security-Policy',
      `default-src 'none'; script-src ${origin}/assets/; style-src ${origin}/assets/; img-src 'self' data:; font-src 'self'; connect-src 'self'; frame-src 'self'; worker-src ${origin}/assets/; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'`,
    );
    if (!file.startsWith(out) || !existsSync(file)) {
      response.writeHead(404).end();
      return;
    }
    response.setHeader('Content-Type', types[extname(file)] ?? 'application/octet-stream');
    createReadStream(file).pipe(response);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    stop: async () => {
      server.close();
      await rm(out, { recursive: true, force: true });
    },
  };
}
