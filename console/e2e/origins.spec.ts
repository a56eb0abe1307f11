// Nothing of a guest or of a pod runs on the console's origin: a page, a script, an SVG, a style and a service worker, served by the hostile
// extension (core/server/testdata/hostile) and by the demo's hostile pod through services/proxy, in every way a page can use them.
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { APIRequestContext, APIResponse, Page } from '@playwright/test';
import { test as base, expect } from '@playwright/test';
import { facts } from './atoll';
import { signIn } from './fixtures';

// No fixture that fails on complaints: here the browser is meant to complain.
const test = base.extend<{ signedIn: Page }>({
  signedIn: async ({ page }, use) => {
    await signIn(page);
    await use(page);
  },
});

const tar = process.env.ATOLL_HOSTILE ?? resolve(import.meta.dirname, '../../build/extensions/hostile.tar');
const sources = {
  guest: '/x/hostile/',
  pod: '/clusters/local/api/v1/namespaces/demo/services/hostile:http/proxy/',
};
const documents = ['page.html', 'image.svg', 'script.js', 'sw.js'];

/** Calls the API as the page's person does. */
async function call(request: APIRequestContext, method: string, path: string, data?: Buffer): Promise<APIResponse> {
  const { url } = facts();
  const session = (await (await request.get(`${url}/api/v1/sessions/current`)).json()) as { csrfToken: string };
  const headers: Record<string, string> = { Origin: url, 'X-Atoll-CSRF': session.csrfToken };
  if (data) headers['Content-Type'] = 'application/x-tar';
  return request.fetch(url + path, { method, headers, data, timeout: 90_000 });
}

/** Installs the hostile extension, as an administrator who read the review too fast. */
async function install(request: APIRequestContext): Promise<void> {
  expect(existsSync(tar), `${tar} is missing: make test-e2e builds it`).toBe(true);
  const file = readFileSync(tar);
  await call(request, 'DELETE', '/api/v1/extensions/hostile');
  const review = await call(request, 'POST', '/api/v1/extensions:review', file);
  expect(review.status(), await review.text()).toBe(200);
  const { consent } = (await review.json()) as { consent: string };
  const installed = await call(request, 'POST', `/api/v1/extensions?consent=${encodeURIComponent(consent)}`, file);
  expect(installed.status(), await installed.text()).toBe(201);
}

/** What ran, seen from the console's page. */
const owned = (page: Page) =>
  page.evaluate(() => {
    const w = window as unknown as { owned?: boolean; session?: boolean };
    return {
      owned: w.owned === true,
      session: w.session === true,
      title: document.title === 'owned',
      stored: localStorage.getItem('owned') === 'yes',
    };
  });
const nothing = { owned: false, session: false, title: false, stored: false };

for (const [source, base] of Object.entries(sources)) {
  test(`what a hostile ${source} serves runs in no document, frame or worker of the console's origin`, async ({
    signedIn: page,
  }) => {
    if (source === 'guest') await install(page.context().request);

    for (const file of documents) {
      const answer = await page.goto(base + file);
      expect(answer?.status(), `${base}${file} as a document`).toBe(403);
      expect(await page.evaluate(() => document.title), file).not.toBe('owned');
    }

    await page.goto('/c/local/p/demo');
    await expect(page.getByRole('navigation', { name: 'Pages' })).toBeVisible();
    const attempts = await page.evaluate(async (at) => {
      const ran: string[] = [];
      const settled = (e: HTMLElement) =>
        new Promise<void>((done) => {
          e.addEventListener('load', () => done());
          e.addEventListener('error', () => done());
          document.addEventListener('securitypolicyviolation', () => done(), { once: true });
          document.body.append(e);
        });
      const attempt = async (name: string, what: () => unknown) => {
        try {
          await what();
          ran.push(name);
        } catch {
          // refused: as it must be
        }
      };
      // Trusted types refuse the assignment; a script made by the parser of another document would be asked the same.
      await attempt('script', async () => {
        const e = document.createElement('script');
        e.src = `${at}script.js`;
        await settled(e);
      });
      await attempt('import', () => import(/* @vite-ignore */ `${at}script.js`));
      await attempt('worker', () => new Worker(`${at}script.js`));
      await attempt('shared worker', () => new SharedWorker(`${at}script.js`));
      await attempt('service worker', () => navigator.serviceWorker.register(`${at}sw.js`, { scope: '/' }));
      await attempt('service worker below', () => navigator.serviceWorker.register(`${at}sw.js`, { scope: at }));
      // These load or fail without saying so: what counts is that nothing ran in them.
      for (const [tag, key, file] of [
        ['iframe', 'src', 'page.html'],
        ['iframe', 'src', 'image.svg'],
        ['embed', 'src', 'image.svg'],
        ['object', 'data', 'image.svg'],
        ['img', 'src', 'image.svg'],
        ['link', 'href', 'style.css'],
      ] as const) {
        try {
          const e = document.createElement(tag);
          if (e instanceof HTMLLinkElement) e.rel = 'stylesheet';
          e.setAttribute(key, at + file);
          await settled(e);
        } catch {
          // refused by trusted types
        }
      }
      return {
        ran,
        workers: (await navigator.serviceWorker.getRegistrations()).length,
        hidden: getComputedStyle(document.body).display === 'none',
      };
    }, base);
    expect(attempts).toEqual({ ran: [], workers: 0, hidden: false });
    expect(await owned(page)).toEqual(nothing);

    // As data it is read with its teeth out, or not at all.
    const asData = await page.evaluate(async (at) => {
      const answer = await fetch(`${at}page.html`);
      return { status: answer.status, headers: Object.fromEntries(answer.headers) };
    }, base);
    expect(asData.status).toBe(source === 'guest' ? 200 : 403);
    expect(asData.headers['content-security-policy']).toContain("sandbox; default-src 'none'");
    expect(asData.headers['x-content-type-options']).toBe('nosniff');
    for (const gone of ['set-cookie', 'service-worker-allowed', 'access-control-allow-origin'])
      expect(asData.headers[gone], gone).toBeUndefined();
    const cookie = (await page.context().cookies()).find((one) => one.name === 'atoll_session');
    expect(cookie?.value).not.toBe('stolen');
    await page.reload();
    await expect(page.getByRole('navigation', { name: 'Pages' })).toBeVisible();
    expect(await owned(page)).toEqual(nothing);

    if (source === 'guest')
      expect((await call(page.context().request, 'DELETE', '/api/v1/extensions/hostile')).status()).toBe(204);
  });
}
