// An extension comes and goes in an open browser: installed through the review, its page appears without a reload; removed, it is gone.
import { helloTar } from './atoll';
import { expect, noSeriousFindings, shot, test, watch } from './fixtures';

test('hello appears in an open browser after consent, and disappears when it is removed', async ({
  signedIn: page,
  context,
  complaints,
}) => {
  const other = await context.newPage();
  await watch(other, complaints);
  await other.goto('/c/local/p/demo/pods');
  const nav = other.getByRole('navigation', { name: 'Pages' });
  await expect(nav.getByRole('link', { name: 'Pods', exact: true })).toBeVisible();
  let loads = 0;
  other.on('load', () => loads++);

  await page.goto('/platform/extensions');
  await expect(page.getByRole('heading', { name: 'Extensions' })).toBeVisible();
  const installed = page.getByRole('button', { name: 'Remove Hello…' });
  if (await installed.isVisible()) {
    await installed.click();
    await page.getByRole('button', { name: 'Remove extension' }).click();
    await expect(installed).toBeHidden();
  }
  await page.setInputFiles('input[type=file]', helloTar());
  const review = page.getByRole('dialog', { name: /Review what Hello/ });
  await expect(review).toBeVisible({ timeout: 90_000 });
  await expect(review).toContainText('What it cannot do');
  await noSeriousFindings(page);
  await page.screenshot({ path: shot('extension-review') });
  await review.getByRole('button', { name: 'Consent and install' }).click();
  await expect(page.getByRole('dialog', { name: 'Hello is installed' })).toBeVisible({ timeout: 60_000 });

  const entry = nav.getByRole('link', { name: 'Hello', exact: false });
  await expect(entry).toBeVisible();
  await entry.click();
  await expect(other.locator('h1')).toBeVisible();
  await expect(other.locator('.fragment-page')).toHaveAttribute('data-extension', 'hello');
  await expect(other.locator('.fragment-page .page-body, .fragment-page .fr-page').first()).toBeVisible();
  await expect(other.getByText('cannot be shown')).toHaveCount(0);
  await noSeriousFindings(other);
  await other.screenshot({ path: shot('extension-page') });

  await page.getByRole('button', { name: 'Close the review' }).click();
  await page.getByRole('button', { name: 'Remove Hello…' }).click();
  await page.getByRole('dialog', { name: 'Remove Hello?' }).getByRole('button', { name: 'Remove extension' }).click();
  await expect(entry).toHaveCount(0);
  await expect(other.getByText('has no page here')).toBeVisible();
  expect((await context.request.get('/x/hello/')).status()).toBe(404);
  expect(loads).toBe(0);
  await page.screenshot({ path: shot('extensions') });
});

test('a file that is no extension is refused in words', async ({ signedIn: page }) => {
  await page.goto('/platform/extensions');
  await page.setInputFiles('input[type=file]', {
    name: 'notes.txt',
    mimeType: 'text/plain',
    buffer: Buffer.from('no tar'),
  });
  await expect(page.getByRole('alert')).toContainText('notes.txt is no extension');
  await page.setInputFiles('input[type=file]', {
    name: 'broken.tar',
    mimeType: 'application/x-tar',
    buffer: Buffer.from('not a tar at all'),
  });
  await expect(page.getByRole('alert')).toContainText('broken.tar cannot be installed');
});
