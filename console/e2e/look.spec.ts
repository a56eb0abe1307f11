// How it looks: light, dark, high contrast, narrow; in English and Chinese; every page without serious findings.
import { expect, noSeriousFindings, shot, test } from './fixtures';

const pages = [
  ['overview', '/c/local/p/demo'],
  ['pods', '/c/local/p/demo/pods'],
  ['deployments', '/c/local/p/demo/deployments'],
  ['members', '/c/local/p/demo/members'],
  ['cluster', '/c/local'],
  ['clusters', '/platform/clusters'],
  ['workspaces', '/platform/workspaces'],
  ['users', '/platform/users'],
  ['extensions', '/platform/extensions'],
  ['account', '/settings'],
  ['look', '/settings/look'],
  ['tokens', '/settings/tokens'],
  ['nowhere', '/no/such/page'],
] as const;

/** Waits until a page shows what it has. */
async function settled(page: import('@playwright/test').Page) {
  await expect(page.locator('h1, .empty').first()).toBeVisible();
  await expect(page.locator('[aria-busy=true]')).toHaveCount(0);
}

for (const theme of ['light', 'dark', 'contrast'] as const) {
  test(`every page is free of serious findings in ${theme}`, async ({ signedIn: page }) => {
    await page.addInitScript((value) => localStorage.setItem('atoll.theme', value), theme);
    for (const [name, path] of pages) {
      await page.goto(path);
      await settled(page);
      await test.step(name, () => noSeriousFindings(page));
      if (theme === 'dark' && ['overview', 'pods'].includes(name))
        await page.screenshot({ path: shot(`${name}-dark`) });
      if (theme === 'light' && name === 'overview') await page.screenshot({ path: shot('overview') });
    }
  });
}

test('the theme is chosen in the bar and kept, without a flash of the other', async ({ signedIn: page }) => {
  await page.goto('/c/local/p/demo/pods');
  await page.getByRole('button', { name: 'Look and language' }).click();
  await page.getByRole('menuitemradio', { name: 'Dark' }).click();
  await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark');
  await page.reload({ waitUntil: 'commit' });
  await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark');
  expect(await page.evaluate(() => getComputedStyle(document.documentElement).colorScheme)).toBe('dark');
});

test('at 820 the navigation is a sheet and nothing runs over the edge', async ({ signedIn: page }) => {
  await page.setViewportSize({ width: 820, height: 900 });
  for (const [name, path] of pages) {
    await page.goto(path);
    await settled(page);
    await test.step(name, async () => {
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(820);
    });
  }
  await page.goto('/c/local/p/demo/pods');
  const pods = page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Deployments' });
  await expect(pods).toBeHidden();
  await page.getByRole('button', { name: 'Navigation' }).click();
  await expect(pods).toBeVisible();
  await page.screenshot({ path: shot('narrow') });
  await pods.click();
  await expect(page.locator('h1')).toHaveText('Deployments');
});

test('it speaks Chinese when asked to', async ({ signedIn: page }) => {
  await page.goto('/settings/look');
  await page.getByRole('button', { name: '中文' }).click();
  await expect(page.locator('h1')).toHaveText('设置');
  await page.goto('/c/local/p/demo');
  await expect(page.getByRole('link', { name: '概览' })).toBeVisible();
  // What extensions contribute comes over the stream, whose own language is the browser's.
  await expect(page.getByRole('navigation').getByRole('link', { name: '日志' })).toBeVisible();
});

test('a project or a workspace that is not there is said so', async ({ signedIn: page }) => {
  await page.goto('/c/local/p/none/pods');
  await expect(page.getByRole('heading', { name: 'There is no project none on local' })).toBeVisible();
  await page.goto('/w/none');
  await expect(page.getByRole('heading', { name: 'There is no workspace none' })).toBeVisible();
  await page.goto('/c/local/p/kube-system/pods'); // a namespace that is no project
  await expect(page.locator('h1')).toHaveText('Pods');
});

test('a dialog gives the focus back to what opened it', async ({ signedIn: page }) => {
  await page.goto('/platform/users');
  const create = page.getByRole('button', { name: 'Create user' });
  await create.focus();
  await page.keyboard.press('Enter');
  await expect(page.getByRole('dialog').getByLabel('User name')).toBeFocused();
  await page.keyboard.press('Escape');
  await expect(create).toBeFocused();
});

test('the palette finds pages and objects', async ({ signedIn: page }) => {
  await page.goto('/c/local/p/demo/pods');
  await expect(page.locator('tbody a.name').first()).toBeVisible();
  const name = (await page.locator('tbody a.name').first().textContent()) ?? '';
  await page.keyboard.press('Control+k');
  const palette = page.getByRole('dialog', { name: 'Search and commands' });
  await expect(palette).toBeVisible();
  await page.keyboard.type(name);
  await expect(palette.getByRole('option').first()).toContainText(name);
  await noSeriousFindings(page);
  await page.screenshot({ path: shot('palette') });
  await page.keyboard.press('Enter');
  await expect(page.locator('h1')).toHaveText(name);
  await page.keyboard.press('?');
  await expect(page.getByRole('dialog', { name: 'Keys' })).toBeVisible();
});

test('a token is shown once, works, and is revoked', async ({ signedIn: page, playwright }) => {
  await page.goto('/settings/tokens');
  await page.getByRole('button', { name: 'Create token…' }).first().click();
  const name = `e2e-${Date.now().toString(36)}`;
  await page.getByRole('dialog').getByLabel('Name').fill(name);
  await page.getByRole('dialog').getByRole('button', { name: 'Create token' }).click();
  const secret = (await page.locator('code.secret').textContent()) ?? '';
  const stranger = await playwright.request.newContext();
  const who = () =>
    stranger.get(new URL('/api/v1/users/me', page.url()).href, { headers: { Authorization: `Bearer ${secret}` } });
  expect((await who()).status()).toBe(200);
  await page.getByRole('button', { name: 'I have kept it' }).click();
  await expect(page.locator('code.secret')).toHaveCount(0);
  await page.getByRole('button', { name: `Revoke ${name}…` }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Revoke token' }).click();
  await expect(page.getByText(name, { exact: true })).toHaveCount(0);
  expect((await who()).status()).toBe(401);
  await stranger.dispose();
});
