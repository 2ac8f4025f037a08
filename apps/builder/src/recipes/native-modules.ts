import { z } from 'zod';

const lock = z.object({
  packages: z
    .record(
      z.string(),
      z.object({
        hasInstallScript: z.boolean().optional(),
        os: z.array(z.string()).optional(),
        link: z.boolean().optional(),
      }),
    )
    .default({}),
});

/** Their install scripts fetch, check or print something; none of them compiles. */
const NEVER_COMPILE = new Set([
  'esbuild',
  'core-js',
  'core-js-pure',
  'protobufjs',
  '@nestjs/core',
  '@parcel/watcher',
  '@swc/core',
  'nx',
  'msw',
  'sharp',
  'prisma',
  '@prisma/client',
  '@prisma/engines',
  'unrs-resolver',
]);

export interface LockFacts {
  /** Some dependency is likely to be compiled when it is installed. */
  readonly compiles: boolean;
  /** Some dependency is a directory of the source itself. */
  readonly linksSource: boolean;
}

/** What an npm lock file tells; nothing where it is of an unknown form. */
export const readLock = (text: string): LockFacts => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { compiles: false, linksSource: false };
  }
  const parsed = lock.safeParse(value);
  const packages = parsed.success ? Object.entries(parsed.data.packages) : [];
  return {
    compiles: packages.some(
      ([path, { hasInstallScript, os }]) =>
        path !== '' &&
        hasInstallScript === true &&
        !NEVER_COMPILE.has(nameOf(path)) &&
        runsOnLinux(os),
    ),
    linksSource: packages.some(([, { link }]) => link === true),
  };
};

const nameOf = (path: string): string =>
  path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);

const runsOnLinux = (os: readonly string[] | undefined): boolean =>
  os === undefined ||
  os.length === 0 ||
  os.includes('linux') ||
  os.every((o) => o.startsWith('!') && o !== '!linux');
