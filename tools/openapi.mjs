// Writes the OpenAPI document of the built api to libs/api-client/openapi.json, from which the client
// is generated. `--check` writes nothing and fails when the file is not what would be written.
import { readFile } from 'node:fs/promises';
import { openApiDocument } from '../apps/api/dist/openapi/document.js';
import { formatted, generate } from './lib/generated-file.mjs';

const FILE = 'libs/api-client/openapi.json';
const { version } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'));
const text = await formatted(FILE, JSON.stringify(openApiDocument(version)));
await generate(FILE, text, 'tools/openapi.mjs');
