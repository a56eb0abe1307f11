// What every browser test starts with: a signed-in page that fails the test on any violation of the page's policy and on any error of its scripts.
import AxeBuilder from '@axe-core/playwright';
import { test as base, expect, type Page } from '@playwright/test';
import { facts } from './atoll';

type Fixtures = {
  /** Everything the browser complained about; a test ends with none. */
  complaints: string[];
  /** A page of somebody who is signed in as the administrator. */
  signedIn: Page;
};

declare global {
  interface Window {
    violations?: string[];
  }
}

/** Collects violations of the policy and errors of scripts of a page. */
export async function watch(page: Page, complaints: string[]): Promise<void> {
  page.on('pageerror', (error) => complaints.push(`error: ${error.message}`));
  page.on('console', (message) => {
    if (message.type() === 'error' && !/Failed to load resource|WebSocket connection/.test(message.text()))
      complaints.push(`console: ${message.text()}`);
  });
  await page.exposeFunction('violated', (what: string) => complaints.push(`policy: ${what}`));
  await page.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) => {
      (window as unknown as { violated(what: string): void }).violated(
        `${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`,
      );
    });
  });
}

/** Signs in over the API, as fast as possible; the cookie lies in the page's context. */
export async function signIn(page: Page): Promise<void> {
  const { url, username, password } = facts();
  const answer = await page
    .context()
    .request.post(`${url}/api/v1/sessions`, { headers: { Origin: url }, data: { username, password } });
  expect(answer.status(), await answer.text()).toBe(201);
}

export const test = base.extend<Fixtures>({
  // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the parameter's form
  complaints: async ({}, use) => {
    const complaints: string[] = [];
    await use(complaints);
    expect(complaints).toEqual([]);
  },
  signedIn: async ({ page, complaints }, use) => {
    await watch(page, complaints);
    await signIn(page);
    await use(page);
  },
});

/** Looks for serious findings of axe on the page as it is. */
export async function noSeriousFindings(page: Page): Promise<void> {
  // Colours that are on their way would be measured in between.
  await page.evaluate(() => Promise.allSettled(document.getAnimations().map((one) => one.finished)));
  const { violations } = await new AxeBuilder({ page })
    .withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'])
    .analyze();
  const serious = violations.filter((one) => one.impact === 'serious' || one.impact === 'critical');
  expect(
    serious.map(
      (one) =>
        `${one.id}: ${one.nodes.map((node) => `${node.target.join(' ')} ${node.failureSummary ?? ''}`).join(' | ')}`,
    ),
  ).toEqual([]);
}

/** Where the screenshots for the README lie. */
export const shot = (name: string): string => `${import.meta.dirname}/screenshots/${name}.png`;

export { expect };
