// An invitation from the command line's link to the role, by somebody who is new.
import { facts } from './atoll';
import { expect, noSeriousFindings, test, watch } from './fixtures';

test('somebody new accepts an invitation with an account of their own', async ({ browser, page, complaints }) => {
  await watch(page, complaints);
  const { url, username, password } = facts();
  const admin = await browser.newContext();
  const headers = { Origin: url };
  const session = await admin.request.post(`${url}/api/v1/sessions`, { headers, data: { username, password } });
  const { csrfToken } = (await session.json()) as { csrfToken: string };
  const invited = await admin.request.post(`${url}/api/v1/invitations`, {
    headers: { ...headers, 'X-Atoll-CSRF': csrfToken },
    data: { role: 'platform-member', note: 'For Ann Lee' },
  });
  const { token } = (await invited.json()) as { token: string };
  const name = `ann-${Date.now().toString(36)}`;

  await page.goto(`/invitation#${token}`);
  await expect(page.getByRole('heading', { name: 'You are invited' })).toBeVisible();
  await expect(page.getByText('For Ann Lee')).toBeVisible();
  await noSeriousFindings(page);
  await page.getByLabel('User name').fill(name);
  await page.getByLabel('Password').fill('tide pool lantern 47');
  await page.getByRole('button', { name: 'Accept with a new account' }).click();
  await expect(page.getByText('Accepted the invitation')).toBeVisible();
  await expect(page.getByRole('button', { name: `${name}, account` })).toBeVisible();

  await page.goto(`/invitation?again#${token}`);
  await expect(page.getByRole('heading', { name: /^This is no invitation/ })).toBeVisible();
  await admin.request.delete(`${url}/api/v1/users/${name}`, { headers: { ...headers, 'X-Atoll-CSRF': csrfToken } });
  await admin.close();
});
