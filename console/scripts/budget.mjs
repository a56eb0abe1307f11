// Holds the budgets of the console: what the browser must load before it shows anything, and what each page adds, in bytes of Brotli.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync } from 'node:zlib';

const shellMost = 200_000;
const routeMost = 150_000;
const cssMost = 20_000;

const dist = join(import.meta.dirname, '../dist');
const manifest = JSON.parse(readFileSync(join(dist, 'assets/manifest.json'), 'utf8'));
const sizes = new Map();

/** Bytes of a file with Brotli, as the server sends it. */
function size(file) {
  if (!sizes.has(file)) sizes.set(file, brotliCompressSync(readFileSync(join(dist, file))).length);
  return sizes.get(file);
}

/** All scripts and styles that a chunk needs, itself included. */
function needs(key, found = { js: new Set(), css: new Set() }) {
  const chunk = manifest[key];
  if (!chunk || found.js.has(chunk.file)) return found;
  if (chunk.file.endsWith('.js')) found.js.add(chunk.file);
  for (const css of chunk.css ?? []) found.css.add(css);
  for (const other of chunk.imports ?? []) needs(other, found);
  return found;
}

const sum = (files) => [...files].reduce((bytes, file) => bytes + size(file), 0);
const kb = (bytes) => `${(bytes / 1000).toFixed(1)} kB`.padStart(9);

const entry = Object.keys(manifest).find((key) => manifest[key].isEntry);
const shell = needs(entry);
// What every signed-in page loads at once besides the entry belongs to the shell too.
const failures = [];
const report = (name, bytes, most) => {
  const over = bytes > most;
  console.log(`${over ? 'over' : 'ok  '} ${kb(bytes)} of ${kb(most)}  ${name}`);
  if (over) failures.push(name);
};

report('shell (JavaScript)', sum(shell.js), shellMost);
const styles = new Set(
  Object.values(manifest).flatMap((chunk) => [
    ...(chunk.css ?? []),
    ...(chunk.file.endsWith('.css') ? [chunk.file] : []),
  ]),
);
report('all styles', sum(styles), cssMost);
const routes = Object.keys(manifest).filter((key) => manifest[key].isDynamicEntry);
const added = routes.map((key) => [key, sum([...needs(key).js].filter((file) => !shell.js.has(file)))]);
for (const [key, bytes] of added.sort((a, b) => b[1] - a[1])) report(key, bytes, routeMost);
if (failures.length > 0) {
  console.error(`\nOver the budget: ${failures.join(', ')}.`);
  process.exit(1);
}
