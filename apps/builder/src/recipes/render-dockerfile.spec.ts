import { describe, expect, it } from 'vitest';
import type { NodeRecipe } from './node-recipe.js';
import { headingOf, renderApp, renderBuild } from './render-dockerfile.js';

const recipe: NodeRecipe = {
  kind: 'node',
  processes: {},
  engines: null,
  installer: 'npm',
  installFrom: 'manifests',
  manifests: ['package.json'],
  runsBuildScript: false,
  prunes: true,
  compiles: false,
  warnings: [],
};

describe('the instructions for a Node.js app', () => {
  it('install before they see the source', () => {
    const text = renderBuild({ ...recipe, runsBuildScript: true }, 'stack:1', false);
    const at = (part: string): number => text.indexOf(part);
    expect(at('COPY --chown=1000:1000 manifests/')).toBeLessThan(at('RUN npm ci'));
    expect(at('RUN npm ci')).toBeLessThan(at('COPY --chown=1000:1000 source/'));
    expect(at('COPY --chown=1000:1000 source/')).toBeLessThan(at('RUN npm run build'));
    expect(at('RUN npm run build')).toBeLessThan(at('RUN npm prune'));
  });

  it('take only the dependencies along where nothing else was made', () => {
    const text = renderApp(recipe, 'stack:1', 'sha256:built');
    expect(text).toContain('COPY --from=sha256:built --chown=1000:1000 /app/node_modules');
    expect(text).toContain('COPY --chown=1000:1000 source/ ./');
    expect(text).not.toContain('npmrc');
  });

  it('take the whole built directory along where a build script ran', () => {
    const text = renderApp({ ...recipe, runsBuildScript: true }, 'stack:1', 'sha256:built');
    expect(text).toContain('COPY --from=sha256:built --chown=1000:1000 /app ./');
    expect(text).not.toContain('source/');
  });

  it('are shown by what they do', () => {
    const lines = renderBuild({ ...recipe, runsBuildScript: true }, 'stack:1', true).split('\n');
    expect(lines.flatMap((line) => headingOf(line) ?? [])).toEqual([
      'Installing dependencies (npm ci)',
      'Running the build script (npm run build)',
      'Removing development dependencies (npm prune)',
    ]);
  });
});
