// Signing in at the command line by a browser: the command waits, the person confirms or declines.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { atoll, facts } from './atoll';
import { expect, noSeriousFindings, shot, test, watch } from './fixtures';

type Waiting = { address: string; ended: Promise<{ code: number | null; said: string }> };

/** Begins a sign-in, as a person at a terminal does, and gives the address that it prints. */
function login(): Promise<Waiting> {
  const home = mkdtempSync(join(tmpdir(), 'atoll-login-'));
  const command: ChildProcess = spawn(atoll(), ['login', facts().url, '--browser'], {
    env: { PATH: process.env.PATH, HOME: home, ATOLL_CONFIG: join(home, 'config') },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  return new Promise((found, failed) => {
    const ended = new Promise<{ code: number | null; said: string }>((end) =>
      command.on('close', (code) => {
        failed(new Error(`it ended with ${code}: ${said}`));
        end({ code, said });
      }),
    );
    const hear = (text: string) => {
      said += text;
      const address = /^ +(http\S+\/authorize\?\S+)$/m.exec(said)?.[1];
      if (address) found({ address, ended });
    };
    command.stdout!.setEncoding('utf8').on('data', hear);
    command.stderr!.setEncoding('utf8').on('data', hear);
  });
}

test('a command is signed in by who signs in on the way and confirms', async ({ page, complaints }) => {
  await watch(page, complaints);
  const { username, password } = facts();
  const { address, ended } = await login();
  await page.goto(address);
  await page.getByLabel('User name').fill(username);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByRole('heading', { name: 'Sign in at the command line?' })).toBeVisible();
  await expect(page.getByText(/^atoll login on /)).toBeVisible();
  await noSeriousFindings(page);
  await page.screenshot({ path: shot('authorize') });
  await page.getByRole('button', { name: 'Confirm' }).click();
  await expect(page.getByRole('heading', { name: 'Confirmed' })).toBeVisible();
  const { code, said } = await ended;
  expect(said).toContain(`Signed in to ${facts().url} as ${username}`);
  expect(code).toBe(0);
});

test('a command is told when the person declines', async ({ signedIn: page }) => {
  const { address, ended } = await login();
  await page.goto(address);
  await page.getByRole('button', { name: 'Decline' }).click();
  await expect(page.getByRole('heading', { name: 'Declined' })).toBeVisible();
  const { code, said } = await ended;
  expect(said).toContain('declined in the browser');
  expect(code).toBe(4);
});

test('an address that leads elsewhere is not asked about', async ({ signedIn: page }) => {
  const elsewhere = new URLSearchParams({
    name: 'atoll login on laptop',
    redirectURI: 'http://example.org/',
    state: 'jfkr0u1UuKiXEAtVxSnIJQ',
    codeChallenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
  });
  await page.goto(`/authorize?${elsewhere}`);
  await expect(page.getByRole('heading', { name: 'This address is not whole' })).toBeVisible();
  await expect(page.getByRole('button')).toHaveCount(0);
});
