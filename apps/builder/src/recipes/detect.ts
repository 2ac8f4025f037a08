import type { ProcessSpec } from '@shiplog/events';
import type { SourceFacts } from '../sources/source-facts.js';
import { SourceRefusedError } from '../sources/source-refused.js';
import { nodeRecipe, type NodeRecipe } from './node-recipe.js';
import { parseProcfile } from './procfile.js';

export interface DockerfileRecipe {
  readonly kind: 'dockerfile';
  readonly processes: Readonly<Record<string, ProcessSpec>>;
  /** Base images that the platform makes itself: `node`, `node-compilers`. */
  readonly stacks: readonly string[];
}
export type Recipe = DockerfileRecipe | NodeRecipe;

/** How a source is built. Throws `SourceRefusedError` where it cannot be. */
export const recipeOf = (facts: SourceFacts): Recipe => {
  const procfile = facts.texts.get('Procfile');
  const processes = procfile === undefined ? undefined : parseProcfile(procfile);
  if (facts.files.has('Dockerfile')) {
    // The image's own command serves, unless the Procfile says otherwise.
    return {
      kind: 'dockerfile',
      processes: { web: { command: null }, ...processes },
      stacks: ownBases(facts.texts.get('Dockerfile') ?? ''),
    };
  }
  const manifest = facts.texts.get('package.json');
  if (manifest !== undefined) return nodeRecipe(manifest, facts, processes);
  throw nothingToBuild(facts.files);
};

const ownBases = (dockerfile: string): readonly string[] =>
  [
    ...dockerfile.matchAll(
      /^\s*(?:FROM\s+(?:--\S+\s+)*|COPY\s+(?:--\S+\s+)*--from=)shiplog-stack\/(node(?:-compilers)?)(?::\S+)?(?:\s|$)/gim,
    ),
  ].flatMap(([, name]) => name ?? []);

const nothingToBuild = (files: ReadonlySet<string>): SourceRefusedError => {
  const what =
    'The root of the source has neither a Dockerfile nor a package.json: there is nothing to build.';
  if (files.size === 0) {
    return new SourceRefusedError(
      `${what} The source is empty.`,
      'Commit your files and push again.',
    );
  }
  const misplaced = [...files].find((name) => /^[^/]+\/(Dockerfile|package\.json)$/i.test(name));
  if (misplaced !== undefined) {
    return new SourceRefusedError(
      what,
      `There is ${misplaced}: deploy that directory, or move its files to the root.`,
    );
  }
  const link = ['Dockerfile', 'package.json'].find((name) => files.has(name));
  if (link !== undefined) {
    return new SourceRefusedError(
      `${link} is a link, and only a file is read: there is nothing to build.`,
      'Put the file itself into the root of the source.',
    );
  }
  const misspelt = [...files].find((name) =>
    /^(dockerfile|containerfile|package\.json)$/i.test(name),
  );
  return new SourceRefusedError(
    what,
    misspelt === undefined
      ? 'Add a package.json for a Node.js app, or a Dockerfile for anything else.'
      : `There is ${misspelt}: name it exactly Dockerfile or package.json.`,
  );
};
