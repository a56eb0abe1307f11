// Signing in and out, as a person does it.
import { facts } from './atoll';
import { expect, noSeriousFindings, shot, signIn, test, watch } from './fixtures';

const project = '/c/local/p/demo/pods';

test('a wrong password is refused in words, the right one leads to where one wanted', async ({ page, complaints }) => {
  await watch(page, complaints);
  const { username, password } = facts();
  await page.goto(project);
  await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible();
  await page.getByLabel('User name').fill(username);
  await page.getByLabel('Password').fill('not the password');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByRole('alert')).toContainText(/wrong/i);
  await noSeriousFindings(page);
  await page.screenshot({ path: shot('sign-in') });
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByRole('heading', { name: 'Pods' })).toBeVisible();
  expect(new URL(page.url()).pathname).toBe(project);
});

test('signing out ends the session', async ({ signedIn: page }) => {
  await page.goto(project);
  await page.getByRole('button', { name: /, account$/ }).click();
  await page.getByRole('menuitem', { name: 'Sign out' }).click();
  await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible();
  await page.goto(project);
  await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible();
});

test('a session that ended keeps what is on screen and asks for the password over it', async ({ signedIn: page }) => {
  await page.goto(project);
  await expect(page.locator('a.name').first()).toBeVisible();
  await page.context().clearCookies();
  await page.getByRole('link', { name: 'Members' }).click();
  const dialog = page.getByRole('dialog', { name: 'Your session ended' });
  await expect(dialog).toBeVisible();
  await expect(page.locator('h1')).toHaveText('Members');
  await dialog.getByLabel('Password').fill(facts().password);
  await dialog.getByRole('button', { name: 'Sign in', exact: true }).click();
  await expect(dialog).toBeHidden();
});

test('an address of another place is not followed after signing in', async ({ page, complaints }) => {
  await watch(page, complaints);
  await signIn(page);
  for (const next of ['//example.org/', 'https://example.org/', '/\\example.org']) {
    await page.goto(`/signin?next=${encodeURIComponent(next)}`);
    await expect(page.getByRole('navigation', { name: 'Where you are' })).toBeVisible();
    expect(new URL(page.url()).origin).toBe(new URL(facts().url).origin);
  }
});
