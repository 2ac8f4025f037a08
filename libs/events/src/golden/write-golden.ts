import { access, mkdir, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { eventTypes } from '../event-types.js';
import { samples } from './samples.js';

/**
 * Writes the golden file of every event type and version that has none yet. What exists is never
 * touched: it stands for what lies in somebody's log. Run it after adding an event or a version:
 * `npx tsc -b libs/events && node libs/events/dist/golden/write-golden.js`.
 */
const folder = fileURLToPath(new URL('../../src/golden/events/', import.meta.url));

await mkdir(folder, { recursive: true });
for (const { type, v } of eventTypes()) {
  const file = `${folder}${type}.v${v}.json`;
  const exists = await access(file).then(
    () => true,
    () => false,
  );
  if (exists) continue;
  await writeFile(file, `${JSON.stringify({ type, v, data: samples[type] }, null, 2)}\n`);
  process.stdout.write(`wrote ${file}\n`);
}
