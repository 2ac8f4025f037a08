import { z } from 'zod';
import { SourceRefusedError } from '../sources/source-refused.js';

const texts = z.record(z.string(), z.string()).catch({});

/** What matters of package.json here; the rest, and what is of the wrong type, is npm's affair. */
const schema = z.object({
  main: z.string().optional().catch(undefined),
  scripts: texts.default({}),
  dependencies: texts.default({}),
  devDependencies: texts.default({}),
  optionalDependencies: texts.default({}),
  peerDependencies: texts.default({}),
  engines: texts.default({}),
  workspaces: z.unknown().optional(),
});
export type PackageManifest = z.infer<typeof schema>;

export const parsePackageManifest = (text: string): PackageManifest => {
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (error) {
    throw new SourceRefusedError(
      `package.json is not JSON: ${error instanceof Error ? error.message.slice(0, 200) : 'unreadable'}.`,
      'Correct the file; "npm pkg get" reads it the same way.',
    );
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) {
    throw new SourceRefusedError(
      'package.json is not a JSON object.',
      'It has to look like {"name": "…", "scripts": {…}, "dependencies": {…}}.',
    );
  }
  return parsed.data;
};

export const hasDependencies = (manifest: PackageManifest): boolean =>
  [
    manifest.dependencies,
    manifest.devDependencies,
    manifest.optionalDependencies,
    manifest.peerDependencies,
  ].some((group) => Object.keys(group).length > 0);
