// Every example fragment in a real browser, light and dark, under the
// console's policy; and the log page as a person uses it.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import AxeBuilder from '@axe-core/playwright';
import { expect, type Page, test } from '@playwright/test';
import { serveGallery } from './serve';
import { madeLines, podList, World } from './world';

const logs = '../../../../sdk/fragment/examples/logs.json';
const route = '/x/logging/clusters/local/projects/demo';
const pictures = process.env.PICTURES;

let gallery: Awaited<ReturnType<typeof serveGallery>>;
test.beforeAll(async () => {
  gallery = await serveGallery();
});
test.afterAll(async () => {
  await gallery.stop();
});

interface Faults {
  errors: string[];
}

async function watchFaults(page: Page): Promise<Faults> {
  const faults: Faults = { errors: [] };
  page.on('pageerror', (e) => faults.errors.push(String(e)));
  page.on('console', (m) => {
    // A request that is answered with an error is part of some tests.
    if (m.type() === 'error' && !m.text().includes('Failed to load resource') && !m.text().includes('WebSocket'))
      faults.errors.push(m.text());
  });
  return faults;
}

async function open(
  page: Page,
  o: { example?: string; theme?: string; search?: string; given?: unknown } = {},
): Promise<World> {
  const world = new World();
  world.answers.set(`${route}/pods`, podList);
  world.answers.set(`${route}/greetings`, {
    items: [
      { language: 'English', text: 'Hello, world!' },
      { language: '中文', text: '你好, world!' },
    ],
  });
  world.answers.set(`${route}/greeting`, { text: 'Hello, world', lines: madeLines(0, 30) });

  world.answers.set('/x/logging/-/kubernetes/', {
    kind: 'PodList',
    metadata: { resourceVersion: '5' },
    items: podList.items.map((p) => ({
      metadata: { name: p.name, uid: p.uid, creationTimestamp: p.createdAt, resourceVersion: '1' },
    })),
  });
  await world.attach(page);
  if ('given' in o) await page.addInitScript((given) => Object.assign(window, { given }), o.given);
  const query = new URLSearchParams({ example: o.example ?? logs, theme: o.theme ?? 'light', search: o.search ?? '' });
  await page.goto(`${gallery.url}?${query}`);
  await page.locator('main.page').waitFor();
  return world;
}

async function picture(page: Page, name: string): Promise<void> {
  if (!pictures) return;
  mkdirSync(pictures, { recursive: true });
  await page.screenshot({ path: join(pictures, `${name}.png`) });
}

test('every example is drawn without a fault in light and dark', async ({ page }) => {
  const faults = await watchFaults(page);
  await open(page);
  const examples = await page.evaluate(() => window.examples);
  expect(examples.length).toBeGreaterThanOrEqual(3);
  for (const example of examples)
    for (const theme of ['light', 'dark']) {
      await page.goto(`${gallery.url}?${new URLSearchParams({ example, theme })}`);
      await page.locator('.fr-page').waitFor();
      await page.waitForLoadState('networkidle');
      await expect(page.getByText('cannot be shown')).toHaveCount(0);
      await picture(page, `${example.split('/').slice(-1)[0]!.replace('.json', '')}-${theme}`);
      const { violations } = await new AxeBuilder({ page })
        .include('main')
        .disableRules(['region', 'page-has-heading-one'])
        .analyze();
      const serious = violations.filter((v) => v.impact === 'serious' || v.impact === 'critical');
      expect(serious.map((v) => `${example}: ${v.id} ${v.nodes[0]?.html}`)).toEqual([]);
    }
  expect(faults.errors).toEqual([]);
});

for (const theme of ['light', 'dark'])
  test(`the logs page follows, in ${theme}`, async ({ page }) => {
    const faults = await watchFaults(page);
    const world = await open(page, { theme, search: 'text=payment|refused&regex=true' });
    const id = await world.subscription(`${route}/logs`);
    expect(world.path(id)).toContain('text=payment%7Crefused');
    expect(world.path(id)).toContain('regex=true');
    expect(world.path(id)).toContain('since=30m');
    world.head(id);
    world.lines(id, madeLines(0, 400));
    const log = page.getByRole('log');
    await expect(log.locator('[data-seq="399"]')).toBeVisible();
    await expect(page.locator('.log-foot')).toContainText('4 pods, 4 containers');
    await expect(log.locator('mark').first()).toBeVisible();
    await expect(log.locator('.sw1, .sw2, .sw3, .sw4, .sw5, .sw6, .sw7, .sw8').first()).toBeVisible();
    await picture(page, `log-following-${theme}`);

    // A person looks back: it stays where it is and counts what comes.
    await log.hover();
    await page.mouse.wheel(0, -2000);
    await expect(page.locator('.log-foot .live')).toHaveText('paused');
    const before = await log.evaluate((el) => el.scrollTop);
    world.lines(id, madeLines(400, 142));
    await expect(page.getByRole('button', { name: '142 new lines' })).toBeVisible();
    expect(await log.evaluate((el) => el.scrollTop)).toBe(before);

    // A JSON line is opened with a click.
    const json = log.locator('.l.error', { hasText: 'payment declined' }).nth(5);
    await json.click();
    await expect(log.locator('.json').first()).toContainText('"do_not_honor"');
    await picture(page, `log-held-${theme}`);

    await page.getByRole('button', { name: '142 new lines' }).click();
    await expect(log.locator('[data-seq="541"]')).toBeVisible();
    const { violations } = await new AxeBuilder({ page }).include('main').disableRules(['region']).analyze();
    expect(
      violations
        .filter((v) => v.impact === 'serious' || v.impact === 'critical')
        .map((v) => `${v.id} ${v.nodes[0]?.html}`),
    ).toEqual([]);
    expect(faults.errors).toEqual([]);
  });

test('keys follow, wrap, hide times and jump to matches', async ({ page }) => {
  const world = await open(page, { search: 'text=refused' });
  const id = await world.subscription(`${route}/logs`);
  world.head(id);
  world.lines(id, madeLines(0, 700));
  const log = page.getByRole('log');
  await expect(log.locator('[data-seq="699"]')).toBeVisible();
  await page.keyboard.press('w');
  await expect(log).toHaveClass(/wrap/);
  await expect(log.locator('[data-seq="699"]')).toBeVisible();
  await picture(page, 'log-wrapped');
  await page.keyboard.press('t');
  await expect(log).toHaveClass(/no-ts/);
  await page.keyboard.press('f');
  await expect(page.getByRole('button', { name: 'Follow', exact: true })).toBeVisible();
  await page.keyboard.press('n');
  await expect(page.locator('.found')).toContainText(/match \d+ of 100/);
  await expect(log.locator('.l.here mark')).toHaveText('refused');
  await page.getByRole('textbox', { name: 'Search in messages' }).focus();
  await page.keyboard.type('wf');
  await expect(log).toHaveClass(/wrap/);
});

test('a burst of 5,000 lines a second keeps the page answering and the memory bounded', async ({ page }) => {
  const faults = await watchFaults(page);
  const world = await open(page);
  const id = await world.subscription(`${route}/logs`);
  world.head(id);
  await page.evaluate(() => {
    const w = window as unknown as { longest: number; frames: number };
    w.longest = w.frames = 0;
    let last = performance.now();
    const tick = (now: number) => {
      w.longest = Math.max(w.longest, now - last);
      w.frames++;
      last = now;
      requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
  });
  for (let i = 0; i < 60; i++) {
    world.lines(id, madeLines(i * 500, 500));
    await new Promise((r) => setTimeout(r, 100));
  }
  const log = page.getByRole('log');
  await expect(log.locator('[data-seq="29999"]')).toBeVisible();
  await expect(page.locator('.log-foot')).toContainText('10,000 older ones were dropped');
  expect(await log.locator('.log-row').count()).toBeLessThan(120);
  const { longest, frames } = await page.evaluate(() => {
    const { longest, frames } = window as unknown as { longest: number; frames: number };
    return { longest, frames };
  });
  console.log(`    frames in 6 s: ${frames}, longest ${longest.toFixed(0)} ms`);
  expect(faults.errors).toEqual([]);
});

test('an interrupted log says so, comes back and shows no line twice', async ({ page }) => {
  const world = await open(page);
  const id = await world.subscription(`${route}/logs`);
  const start = Date.now() - 60_000;
  world.head(id);
  world.lines(id, madeLines(0, 50, start));
  await expect(page.locator('.log-tools')).toContainText('50 lines');
  await world.breakOff();
  await expect(page.locator('.log-foot .live')).toHaveText('reconnecting');
  await expect(page.getByRole('log').locator('[data-seq="49"]')).toBeVisible();
  await picture(page, 'log-reconnecting');
  const again = await world.subscription(`${route}/logs`, 1);
  world.head(again);
  world.lines(again, madeLines(0, 60, start));
  await expect(page.locator('.log-tools')).toContainText('60 lines');
  await expect(page.locator('.log-foot .live')).toHaveText('live');
  world.end(again);
  await expect(page.locator('.log-foot .live')).toHaveText('ended');
  await expect(page.getByText('The log ended here.')).toBeVisible();
});

test('leaving a log cancels it', async ({ page }) => {
  const world = await open(page);
  const id = await world.subscription(`${route}/logs`);
  world.head(id);
  await page.getByRole('button', { name: 'Regular expression' }).click();
  const next = await world.subscription(`${route}/logs`, 1);
  expect(world.path(next)).toContain('regex=true');
  await expect.poll(() => world.closed).toContain(id);
  await expect(page.locator('main.page')).toHaveAttribute('data-search', 'regex=true');
});

test('filters write the address and defaults leave it', async ({ page }) => {
  const world = await open(page);
  await world.subscription(`${route}/logs`);
  const main = page.locator('main.page');
  await page.getByRole('button', { name: /^Pods/ }).click();
  await page.getByRole('menuitemcheckbox', { name: /m0tcl/ }).click();
  await page.getByRole('menuitemcheckbox', { name: /9hm4t/ }).click();
  await picture(page, 'log-filter');
  await page.keyboard.press('Escape');
  await expect(main).toHaveAttribute('data-search', 'pod=checkout-api-7d9c6bd8f4-m0tcl&pod=cart-7d9c6bd8f4-9hm4t');
  await page.getByLabel('Since').selectOption('3h');
  await expect(main).toHaveAttribute('data-search', /since=3h/);
  await page.getByLabel('Since').selectOption('30m');
  await expect(main).not.toHaveAttribute('data-search', /since/);
  await page.getByRole('tab', { name: 'Pods' }).click();
  await expect(main).toHaveAttribute('data-search', /view=pods/);
  await expect(page.getByText('CrashLoopBackOff').last()).toBeVisible();
  await picture(page, 'log-pods-table');
  await page.getByRole('link', { name: 'Logs', exact: true }).first().click();
  await expect(main).toHaveAttribute('data-went', /^\/c\/local\/p\/demo\/e\/logging\/logs\?pod=/);
});

test('copying and downloading work under the policy', async ({ page, context }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  const faults = await watchFaults(page);
  const world = await open(page);
  const id = await world.subscription(`${route}/logs`);
  world.head(id);
  world.lines(id, madeLines(0, 3));
  await expect(page.locator('.log-tools')).toContainText('3 lines');
  await page.getByRole('button', { name: 'Copy all lines' }).click();
  await expect(page.getByText('Copied 3 lines')).toBeVisible();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toContain(
    'checkout-api-7d9c6bd8f4-m0tcl/api POST /v2/checkout',
  );
  const saved = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Download as a file' }).click();
  expect((await saved).suggestedFilename()).toBe('web-log.txt');
  expect(faults.errors).toEqual([]);
});

test('states: forbidden, broken, unknown, empty', async ({ page }) => {
  const faults = await watchFaults(page);
  const world = await open(page, {
    given: {
      ui: 'v1',
      title: 'States',
      data: {
        pods: { from: 'ext', path: '/clusters/{cluster}/projects/{project}/secret' },
        gone: { from: 'ext', path: '/clusters/{cluster}/projects/{project}/gone' },
      },
      actions: [
        {
          id: 'a',
          label: 'Delete everything',
          tone: 'danger',
          denied: { missing: 'pods/delete in project demo' },
          run: { do: 'refresh', sources: [] },
        },
        { id: 'b', label: 'Scale', run: { do: 'k8s', op: 'scale' } },
      ],
      body: {
        is: 'Stack',
        children: [
          { is: 'Alert', tone: 'warning', title: 'Mind', body: 'This is an alert.' },
          { is: 'Heatgrid', needs: 'Heatgrid@1.2' },
          {
            is: 'Card',
            title: 'Rows',
            children: [
              {
                is: 'Table',
                rows: { $: '/pods/items' },
                key: 'name',
                columns: [{ id: 'a', header: 'Name', cell: { is: 'Text', text: { $: 'name' } } }],
              },
            ],
          },
          { is: 'Text', text: { $: '/gone/text' } },
          {
            is: 'Markdown',
            text: '# Words\n\n- **one** `two` [three](?a=1)\n- <img src=x onerror=alert(1)> [bad](javascript:alert(1))\n\n1. first\n2. second',
          },
          { is: 'Code', language: 'yaml', text: 'kind: Pod # comment\nmetadata:\n  name: "web"\n  n: 3\n' },
          { is: 'Empty', title: 'No jobs in demo', body: 'A job runs to its end and stops.' },
        ],
      },
    },
  });
  void world;
  await expect(page.getByText('Could not load gone')).toBeVisible();
  await expect(page.getByRole('button', { name: 'Delete everything' })).toHaveAttribute('aria-disabled', 'true');
  await expect(page.getByRole('button', { name: 'Scale' })).toHaveAttribute(
    'title',
    'This action needs a newer console',
  );
  expect(await page.locator('a[href^="javascript"], img').count()).toBe(0);
  await picture(page, 'states');
  expect(faults.errors).toEqual([]);
});
