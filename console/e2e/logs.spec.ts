// The logging extension's page and tab: lines arrive as they are written, and can be searched.
import { kubectl, podLike } from './atoll';
import { expect, noSeriousFindings, shot, test } from './fixtures';

const project = 'demo';
const name = `e2e-logs-${Date.now().toString(36)}`;

test.beforeAll(() => {
  kubectl(['apply', '-f', '-'], podLike(project, name));
  kubectl(['wait', '-n', project, '--for=condition=Ready', `pod/${name}`, '--timeout=90s']);
});
test.afterAll(() => {
  kubectl(['delete', 'pod', name, '-n', project, '--ignore-not-found', '--wait=false']);
});

/**
 * How long after it was written the first line that is written from now on is on the page, in milliseconds. Lines of before, which may still be
 * on their way, do not count. The times are the kubelet's, of the same machine.
 */
async function nextLineAfter(page: import('@playwright/test').Page): Promise<number> {
  return page.evaluate(
    () =>
      new Promise<number>((resolve) => {
        const box = document.querySelector('[role=log]')!;
        const begun = Date.now();
        const look = () => {
          for (const row of box.querySelectorAll('.log-row')) {
            const match = /(\d\d):(\d\d):(\d\d)\.(\d{3})$/.exec(row.querySelector('.ts')?.textContent ?? '');
            if (!match) continue;
            const written = new Date(begun);
            written.setUTCHours(Number(match[1]), Number(match[2]), Number(match[3]), Number(match[4]));
            if (written.getTime() < begun) continue;
            watcher.disconnect();
            resolve(Date.now() - written.getTime());
            return;
          }
        };
        const watcher = new MutationObserver(look);
        watcher.observe(box, { childList: true, subtree: true, characterData: true });
      }),
  );
}

test('the logs of a pod open from its page, a new line arrives within 2 s of being written, and a search narrows them', async ({
  signedIn: page,
}) => {
  await page.goto(`/c/local/p/${project}/pods/${name}`);
  await page.getByRole('link', { name: /^Logs/ }).last().click();
  const log = page.getByRole('log');
  await expect(log.locator('.log-row').first()).toBeVisible();
  expect(await nextLineAfter(page)).toBeLessThan(2000);
  await page.screenshot({ path: shot('logs-tab') });

  const line = (await log.locator('.log-row .m').last().textContent()) ?? '';
  // The rarest thing in a line is a number of it.
  const word = /\d{2,}/.exec(line.replace(/^\S+T\S+Z/, ''))?.[0] ?? line.trim().split(/\s+/)[0]!;
  await page
    .getByRole('searchbox')
    .or(page.getByPlaceholder(/Search/))
    .last()
    .fill(word);
  await expect(log.locator('mark').first()).toBeVisible();
  await expect
    .poll(async () => {
      const texts = await log.locator('.log-row .m').allTextContents();
      return texts.length > 0 && texts.every((text) => text.toLowerCase().includes(word.toLowerCase()));
    })
    .toBe(true);
});

test('the page of a project follows many pods, stands in the address, and is free of findings', async ({
  signedIn: page,
}) => {
  await page.goto(`/c/local/p/${project}`);
  await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Logs' }).click();
  const log = page.getByRole('log');
  await expect(log.locator('.log-row').nth(5)).toBeVisible();
  await expect(page.getByRole('button', { name: 'Following' })).toBeVisible();
  expect(await nextLineAfter(page)).toBeLessThan(2000);
  await noSeriousFindings(page);
  await page.screenshot({ path: shot('logs') });
  await page.goto(`${page.url()}${page.url().includes('?') ? '&' : '?'}x=1`);
  await expect(log.locator('.log-row').first()).toBeVisible();
});
