// The list of pods is alive: what kubectl applies appears and becomes Running without a reload; what it deletes goes.
import { kubectl, podLike } from './atoll';
import { expect, noSeriousFindings, shot, test } from './fixtures';

const project = 'demo';
const name = `e2e-live-${Date.now().toString(36)}`;

test.afterAll(() => {
  kubectl(['delete', 'pod', name, '-n', project, '--ignore-not-found', '--wait=false']);
});

test('a pod becomes Running live after kubectl apply, opens by keyboard, and goes when it is deleted', async ({
  signedIn: page,
}) => {
  await page.goto('/');
  await page.goto(`/c/local/p/${project}`);
  await page.getByRole('link', { name: 'Pods', exact: true }).click();
  await expect(page.locator('.table-foot .live')).toHaveText('live');
  let loads = 0;
  page.on('load', () => loads++);

  kubectl(['apply', '-f', '-'], podLike(project, name));
  const row = page.getByRole('row', { name: new RegExp(name) });
  await expect(row).toBeVisible();
  await expect(row).toContainText('Running');
  await expect(row).toContainText('1/1');
  await noSeriousFindings(page);
  await page.screenshot({ path: shot('pods') });

  await page.getByRole('textbox', { name: 'Filter pods' }).fill(name);
  await expect(page.locator('tbody a.name')).toHaveCount(1);
  expect(new URL(page.url()).searchParams.get('q')).toBe(name);
  await page.keyboard.press('Escape');
  await page.keyboard.press('Escape');
  await page.keyboard.press('/');
  await page.keyboard.type(name);
  await page.keyboard.press('Tab');
  await page.locator('h1').click();
  await page.keyboard.press('j');
  await expect(page.locator('a.name:focus')).toHaveText(name);
  await page.keyboard.press('Enter');
  await expect(page.locator('h1')).toHaveText(name);
  await expect(page.getByRole('heading', { name: 'Containers' })).toBeVisible();
  await expect(page.getByText('PodScheduled')).toBeVisible();
  await noSeriousFindings(page);

  await page.getByRole('link', { name: 'YAML' }).click();
  await expect(page.locator('.code')).toContainText('kind: Pod');
  await expect(page.locator('.code')).not.toContainText('managedFields');

  kubectl(['delete', 'pod', name, '-n', project, '--wait=false']);
  await expect(page.getByText('This pod was deleted.')).toBeVisible();
  expect(loads).toBe(0);
});

test('a deployment shows its pods, conditions and the extension tab', async ({ signedIn: page }) => {
  await page.goto(`/c/local/p/${project}/deployments`);
  await page.locator('tbody a.name').first().click();
  await expect(page.getByRole('heading', { name: 'Pods' })).toBeVisible();
  await expect(page.getByRole('heading', { name: 'Conditions' })).toBeVisible();
  await expect(
    page
      .locator('section', { has: page.getByRole('heading', { name: 'Pods' }) })
      .locator('a.name')
      .first(),
  ).toBeVisible();
  await noSeriousFindings(page);
  await page.screenshot({ path: shot('deployment') });
});

test('what the list shows is in the address', async ({ signedIn: page }) => {
  await page.goto(`/c/local/p/${project}/pods?sort=-Restarts&q=e`);
  await expect(page.getByRole('columnheader', { name: 'Restarts' })).toHaveAttribute('aria-sort', 'descending');
  await expect(page.getByRole('textbox', { name: 'Filter pods' })).toHaveValue('e');
  await page.getByRole('button', { name: 'Age', exact: true }).click();
  await expect(page).toHaveURL(/sort=age/);
});

test('losing the connection keeps the rows, breaks the tide line, and finds back', async ({
  signedIn: page,
  context,
}) => {
  await page.goto(`/c/local/p/${project}/pods`);
  await expect(page.locator('.table-foot .live')).toHaveText('live');
  const before = await page.locator('tbody a.name').count();
  await context.setOffline(true);
  await expect(page.locator('.tide.stale')).toBeVisible();
  expect(await page.locator('tbody a.name').count()).toBe(before);
  await context.setOffline(false);
  await expect(page.locator('.tide:not(.stale):not(.paused)')).toBeVisible({ timeout: 60_000 });
  await expect(page.locator('.table-foot .live')).toHaveText('live');
});
