// Fails when the console's JavaScript is over its budget. Run after the build.
import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { gzipSync } from 'node:zlib';

const budget = 60_000; // bytes after gzip, all scripts together
const assets = resolve(import.meta.dirname, '../dist/assets');
let total = 0;
for (const name of readdirSync(assets)) {
  const size = gzipSync(readFileSync(resolve(assets, name))).length;
  console.log(`${String(size).padStart(7)} ${name}`);
  if (name.endsWith('.js')) total += size;
}
console.log(`console: ${total} of ${budget} bytes of JavaScript (gzip)`);
if (total === 0 || total > budget) process.exit(1);
