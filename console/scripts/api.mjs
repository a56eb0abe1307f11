// Generates src/api/schema.d.ts from src/api/openapi.json, which `atoll openapi` writes.
// With --check it changes nothing and fails when the generated file is not current.
import { readFileSync, writeFileSync } from 'node:fs';
import openapiTS, { astToString } from 'openapi-typescript';

const source = new URL('../src/api/openapi.json', import.meta.url);
const target = new URL('../src/api/schema.d.ts', import.meta.url);
const head = '// Generated from openapi.json by `npm run api`. Do not edit.\n\n';
const text = head + astToString(await openapiTS(source));
if (process.argv.includes('--check')) {
  if (readFileSync(target, 'utf8') !== text) {
    console.error('src/api/schema.d.ts is not current: run `npm run api` and commit it.');
    process.exit(1);
  }
} else {
  writeFileSync(target, text);
}
