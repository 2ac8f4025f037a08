import type { Installer, NodeRecipe } from './node-recipe.js';

/** Where the parts of a build context lie; the source never shares a directory with our own files. */
export const CONTEXT = {
  manifests: 'manifests',
  source: 'source',
  npmrc: 'npmrc',
  certificates: 'certificates.pem',
} as const;

/** Steps by what they do, so that output and explanations need not show the instructions. */
export const STEPS = {
  install: 'Installing dependencies',
  build: 'Running the build script',
  prune: 'Removing development dependencies',
} as const;

const NODE_USER = '1000:1000';
const CACHE = '/tmp/package-cache';

const INSTALL: Readonly<Record<Installer, string>> = {
  npm: `npm ci --include=dev --no-audit --no-fund --no-progress --cache ${CACHE}`,
  'npm-unlocked': `npm install --include=dev --no-audit --no-fund --no-progress --cache ${CACHE}`,
  yarn: `npm exec --yes --cache ${CACHE} --package=yarn@1 -- yarn install --frozen-lockfile --production=false --non-interactive --no-progress --cache-folder ${CACHE}/yarn`,
  pnpm8: `npm exec --yes --cache ${CACHE} --package=pnpm@8 -- pnpm install --frozen-lockfile --prod=false --reporter=append-only --store-dir ${CACHE}/pnpm --package-import-method=copy`,
  pnpm9: `npm exec --yes --cache ${CACHE} --package=pnpm@9 -- pnpm install --frozen-lockfile --prod=false --reporter=append-only --store-dir ${CACHE}/pnpm --package-import-method=copy`,
};

const PRUNE: Readonly<Record<Installer, string>> = {
  npm: `npm prune --omit=dev --ignore-scripts --no-audit --no-fund --cache ${CACHE}`,
  'npm-unlocked': `npm prune --omit=dev --ignore-scripts --no-audit --no-fund --cache ${CACHE}`,
  yarn: `npm exec --yes --cache ${CACHE} --package=yarn@1 -- yarn install --frozen-lockfile --production=true --ignore-scripts --non-interactive --no-progress --cache-folder ${CACHE}/yarn`,
  pnpm8: `CI=true npm exec --yes --cache ${CACHE} --package=pnpm@8 -- pnpm prune --prod --ignore-scripts`,
  pnpm9: `CI=true npm exec --yes --cache ${CACHE} --package=pnpm@9 -- pnpm prune --prod --ignore-scripts`,
};

/** What was downloaded must not stay in the layer. */
const thenForgetCache = (command: string): string => `RUN ${command} && rm -rf ${CACHE}`;

const intro = (stackRef: string): readonly string[] => [
  `FROM ${stackRef}`,
  // WORKDIR alone would make a directory of root's, in which the app could not write.
  'RUN install -d -o 1000 -g 1000 /app',
  'WORKDIR /app',
  `USER ${NODE_USER}`,
  'ENV HOME=/home/node NODE_ENV=production CI=true',
];

/** Installs, builds and prunes. All text is ours: what users write reaches it as files only. */
export const renderBuild = (
  recipe: NodeRecipe,
  stackRef: string,
  hasCertificates: boolean,
): string => {
  const lines = [
    ...intro(stackRef),
    `COPY --chown=${NODE_USER} ${CONTEXT.npmrc} /home/node/.npmrc`,
  ];
  if (hasCertificates) {
    const path = '/home/node/certificates.pem';
    lines.push(
      `COPY ${CONTEXT.certificates} ${path}`,
      `ENV NODE_EXTRA_CA_CERTS=${path} SSL_CERT_FILE=${path}`,
    );
  }
  const copySource = `COPY --chown=${NODE_USER} ${CONTEXT.source}/ ./`;
  if (recipe.installFrom === 'manifests') {
    lines.push(`COPY --chown=${NODE_USER} ${CONTEXT.manifests}/ ./`);
  } else {
    lines.push(copySource);
  }
  if (recipe.installFrom !== 'nothing') lines.push(thenForgetCache(INSTALL[recipe.installer]));
  if (recipe.runsBuildScript) {
    if (recipe.installFrom === 'manifests') lines.push(copySource);
    lines.push('RUN npm run build');
  }
  if (recipe.prunes) lines.push(thenForgetCache(PRUNE[recipe.installer]));
  if (!takesSourceAsIs(recipe)) return `${lines.join('\n')}\n`;
  // Copied from here whatever was installed.
  return `${[...lines, 'RUN mkdir -p node_modules'].join('\n')}\n`;
};

/** Nothing but the installed dependencies comes out of the build: they keep a layer of their own. */
export const takesSourceAsIs = (recipe: NodeRecipe): boolean =>
  !recipe.runsBuildScript && recipe.installFrom !== 'source';

/** Nothing has to be installed or built: the source is the app. */
export const needsNoBuild = (recipe: NodeRecipe): boolean =>
  !recipe.runsBuildScript && recipe.installFrom === 'nothing';

/** Puts the app's image together: the stack without build tools, dependencies, source. */
export const renderApp = (
  recipe: NodeRecipe,
  stackRef: string,
  builtImage: string | undefined,
): string => {
  const lines = [
    ...intro(stackRef).filter((line) => !line.startsWith('ENV ')),
    'ENV HOME=/home/node NODE_ENV=production PATH=/app/node_modules/.bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    'ENTRYPOINT []',
  ];
  if (builtImage !== undefined) {
    lines.push(
      takesSourceAsIs(recipe)
        ? `COPY --from=${builtImage} --chown=${NODE_USER} /app/node_modules ./node_modules`
        : `COPY --from=${builtImage} --chown=${NODE_USER} /app ./`,
    );
  }
  if (takesSourceAsIs(recipe)) lines.push(`COPY --chown=${NODE_USER} ${CONTEXT.source}/ ./`);
  return `${lines.join('\n')}\n`;
};

/** What an instruction of ours does, in a person's words; undefined for those nobody needs to see. */
export const headingOf = (instruction: string): string | undefined => {
  const command = commandOf(instruction);
  if (command === undefined) return undefined;
  const isPrune = / prune$/.test(command) || instruction.includes('--production=true');
  const what = command.endsWith('build') ? STEPS.build : isPrune ? STEPS.prune : STEPS.install;
  return `${what} (${command})`;
};

/** The command of a step as its author would type it. */
export const commandOf = (instruction: string): string | undefined => {
  if (instruction === 'RUN npm run build') return 'npm run build';
  const tool = /-- (yarn|pnpm) (install|prune)/.exec(instruction);
  if (tool !== null) return `${tool[1]} ${tool[2]}`;
  return /RUN (npm (?:ci|install|prune))/.exec(instruction)?.[1];
};
