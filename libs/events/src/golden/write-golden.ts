import { mkdir, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { eventTypes } from '../event-types.js';
import { COMMIT_VERSION } from '../commit.js';
import { releasedEnvelope, releasedSchemaOf } from './released-schema.js';
import { samples } from './samples.js';

/**
 * Writes the golden file of every event type and version that has none yet, and beside it the schema that it
 * is released with. What exists is never
 * touched: it stands for what lies in somebody's log. Run it after adding an event or a version:
 * `npx tsc -b libs/events && node libs/events/dist/golden/write-golden.js`.
 */
const folder = fileURLToPath(new URL('../../src/golden/', import.meta.url));

const writeOnce = async (file: string, value: unknown): Promise<void> => {
  try {
    await writeFile(file, `${JSON.stringify(value, null, 2)}\n`, { flag: 'wx' });
    process.stdout.write(`wrote ${file}\n`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
};

for (const name of ['events', 'schemas']) await mkdir(`${folder}${name}`, { recursive: true });
for (const { type, v } of eventTypes()) {
  await writeOnce(`${folder}events/${type}.v${v}.json`, { type, v, data: samples[type] });
  await writeOnce(`${folder}schemas/${type}.v${v}.json`, releasedSchemaOf(type));
}
await writeOnce(`${folder}schemas/commit.v${COMMIT_VERSION}.json`, releasedEnvelope());
