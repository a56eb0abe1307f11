// Browser tests against a running Atoll with a real cluster: `make start`, then `npm run e2e`.
import { defineConfig } from '@playwright/test';
import { chromium, facts } from './atoll';

export default defineConfig({
  testDir: '.',
  outputDir: '../test-results',
  // One browser at a time: they share one Atoll, and some specs install and remove extensions.
  workers: 1,
  fullyParallel: false,
  forbidOnly: Boolean(process.env.CI),
  timeout: 120_000,
  expect: { timeout: 20_000 },
  reporter: [['list']],
  use: {
    baseURL: facts().url,
    viewport: { width: 1440, height: 900 },
    colorScheme: 'light',
    locale: 'en-GB',
    timezoneId: 'UTC',
    trace: 'retain-on-failure',
    launchOptions: { executablePath: chromium(), args: process.getuid?.() === 0 ? ['--no-sandbox'] : [] },
  },
});
