// Files that are made from others: written, or with `--check` compared with what would be written.
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';

const ROOT = new URL('../../', import.meta.url);

/** `path` from the root of the repository; `tool` is what makes it. */
export const generate = async (path, text, tool) => {
  const file = new URL(path, ROOT);
  if (!process.argv.includes('--check')) {
    await writeFile(file, text);
    return;
  }
  if ((await readFile(file, 'utf8').catch(() => '')) === text) return;
  console.error(`${path} is out of date: npm run build && node ${tool}`);
  process.exitCode = 1;
};

export const formatted = async (path, text) => {
  const file = fileURLToPath(new URL(path, ROOT));
  return format(text, { ...(await resolveConfig(file)), filepath: file });
};
