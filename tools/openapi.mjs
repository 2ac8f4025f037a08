// Writes the OpenAPI document of the built api to libs/api-client/openapi.json, from which the client
// is generated. `--check` writes nothing and fails when the file is not what would be written.
import { readFile, writeFile } from 'node:fs/promises';
import { format } from 'prettier';
import { openApiDocument } from '../apps/api/dist/openapi/document.js';

const root = new URL('..', import.meta.url);
const file = new URL('libs/api-client/openapi.json', root);
const { version } = JSON.parse(await readFile(new URL('package.json', root), 'utf8'));
const text = await format(JSON.stringify(openApiDocument(version)), {
  parser: 'json',
  printWidth: 100,
});

if (process.argv.includes('--check')) {
  if ((await readFile(file, 'utf8').catch(() => '')) !== text) {
    console.error(
      'libs/api-client/openapi.json is not what the api serves: node tools/openapi.mjs',
    );
    process.exitCode = 1;
  }
} else {
  await writeFile(file, text);
}
