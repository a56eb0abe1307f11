// The gallery's check in a real browser: npx playwright test --config src/fragments/gallery/playwright.config.ts
// Pictures are written to $PICTURES when it is set.
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineConfig } from '@playwright/test';

const chromium = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) =>
  existsSync(path),
);

export default defineConfig({
  testDir: '.',
  outputDir: join(tmpdir(), 'gallery-results'),
  workers: 1,
  reporter: 'list',
  timeout: 180_000,
  use: {
    viewport: { width: 1440, height: 900 },
    launchOptions: { executablePath: process.env.CHROMIUM ?? chromium, args: ['--no-sandbox'] },
  },
});
