import type { Explanation } from '@shiplog/events';
import { commandOf } from '../recipes/render-dockerfile.js';
import { SourceRefusedError } from '../sources/source-refused.js';
import { ToolchainUnavailableError } from '../stack/debian-packages.js';
import {
  BuildInterrupted,
  EngineUnavailableError,
  ImageNotFoundError,
  StepFailedError,
} from './problems.js';

export interface BuildLimits {
  readonly timeMs: number;
  readonly memoryBytes: number;
}

/** What the output says about why, by what tools print. The first that fits counts. */
const REMEDIES: readonly (readonly [RegExp, string])[] = [
  [
    /npm ci.*can only install (packages )?when|package\.json and package-lock\.json.*(are not in sync|do not satisfy)|Missing: .* from lock file/i,
    'package-lock.json does not fit package.json: run "npm install" and commit package-lock.json.',
  ],
  [
    /ERR_PNPM_OUTDATED_LOCKFILE|lockfile needs to be updated/i,
    'The lock file does not fit package.json: install once on your machine and commit the lock file.',
  ],
  [
    /heap out of memory|Allocation failed/i,
    'Node.js ran out of its heap: let the build need less memory, or set NODE_OPTIONS=--max-old-space-size in the build script.',
  ],
  [
    /No space left on device|ENOSPC/i,
    'The disk of the platform is full: free some space and push again.',
  ],
  [
    /gyp ERR!|not found: make|Could not find any Python/i,
    'A native module could not be compiled: its output above says what is missing.',
  ],
  [
    /npm (ERR!|error) code E404|404 Not Found - GET/i,
    'A dependency is not in the registry: check its name and version in package.json.',
  ],
  [
    /npm (ERR!|error) code ERESOLVE/i,
    'Dependencies contradict each other: make "npm install" work on your machine and commit package-lock.json.',
  ],
  [/npm (ERR!|error) code EBADENGINE/i, 'A dependency asks for another Node.js version.'],
  [
    /npm (ERR!|error) code (ENOTFOUND|ECONNREFUSED|ETIMEDOUT|EAI_AGAIN|ECONNRESET)/i,
    "The package registry could not be reached from the build: try again, or check the platform's network.",
  ],
  [
    /tsc: not found|sh: .*: not found|command not found/i,
    'A command that the build calls is not there: add its package to package.json, or install it in the Dockerfile.',
  ],
  [
    /error TS\d+/,
    'Correct the type errors above; "npm run build" on your machine shows them, too.',
  ],
];

/** Engine messages about base images that cannot be had. */
const NO_BASE_IMAGE =
  /pull access denied|manifest (for .* )?(unknown|not found)|no such host|i\/o timeout|connection refused|Client\.Timeout|failed to resolve reference|not found: manifest/i;

/** How a shell, npm and a compiler say that a child of theirs was killed; the word alone says nothing. */
const OUT_OF_MEMORY =
  /cannot allocate memory|^\s*Killed$|line \d+: +\d+ Killed |signal SIGKILL|Killed signal terminated/im;

/** Why a build failed, for who asked for it. Undefined where nothing is known of the problem. */
export const explainBuild = (
  problem: unknown,
  lastLines: readonly string[],
  limits: BuildLimits,
): Explanation | undefined => {
  const known = describe(problem, lastLines, limits);
  return known && toExplanation(known, lastLines);
};

/** For a fault of the platform itself, or of its machine, that trying again did not get past. */
export const explainFault = (problem: unknown, lastLines: readonly string[]): Explanation => {
  const what = problem instanceof Error ? problem.message : String(problem);
  return toExplanation(
    {
      summary: `The build could not be carried out: ${shorten(what, 500)}`,
      remedy: "The source is not to blame: the log of the platform's builder says more.",
    },
    lastLines,
  );
};

const toExplanation = (known: Described, lastLines: readonly string[]): Explanation => {
  return {
    code: 'build-failed',
    remedy: null,
    tried: null,
    probe: null,
    listening: [],
    exitCode: null,
    oomKilled: false,
    instanceId: null,
    logLines: lastLines.slice(-50).map((line) => line.slice(0, 2000)),
    ...known,
    summary: known.summary.slice(0, 2000),
  };
};

type Described = Partial<Explanation> & { readonly summary: string };

const describe = (
  problem: unknown,
  lastLines: readonly string[],
  limits: BuildLimits,
): Described | undefined => {
  if (problem instanceof StepFailedError) return describeStep(problem, lastLines, limits);
  if (problem instanceof SourceRefusedError) {
    return { summary: problem.message, remedy: problem.remedy };
  }
  if (problem instanceof ToolchainUnavailableError) {
    return {
      summary: `The app has native modules, and there are no compilers for them: ${problem.message}.`,
      remedy:
        'Use packages that bring prebuilt modules, or a Dockerfile with an image that has compilers.',
    };
  }
  if (problem instanceof ImageNotFoundError) {
    return {
      code: 'image-not-found',
      summary: `The image ${problem.ref} could not be pulled (${problem.message}), and this machine has none of that name.`,
      remedy: 'Check the name and tag of the image, or load it into the engine under that name.',
    };
  }
  if (problem instanceof EngineUnavailableError) {
    return {
      code: 'engine-unavailable',
      summary: 'The container engine of this platform does not answer, so nothing can be built.',
      remedy: 'Start the engine (for Docker: "systemctl start docker"), then push again.',
    };
  }
  if (problem instanceof BuildInterrupted && problem.cause === 'timed-out') {
    const minutes = Math.round(limits.timeMs / 6000) / 10;
    return {
      summary: `The build took longer than its time limit of ${minutes} minutes and was ended.`,
      remedy:
        'See in the output what it was waiting for: a build must not start servers or ask questions.',
    };
  }
  return undefined;
};

const describeStep = (
  problem: StepFailedError,
  lastLines: readonly string[],
  limits: BuildLimits,
): Described => {
  const { step, exitCode, message } = problem;
  const evidence = [...lastLines, message].join('\n');
  if (exitCode === null && NO_BASE_IMAGE.test(message)) {
    return {
      summary: `The base image of "${shorten(step ?? 'FROM')}" is not on this machine and could not be pulled: ${shorten(message, 300)}`,
      remedy:
        'Check the name after FROM, and whether this machine reaches the registry. "FROM shiplog-stack/node" needs none: it is made with this machine\'s Node.js.',
    };
  }
  const isOutOfMemory = exitCode === 137 || OUT_OF_MEMORY.test(evidence);
  const name = step === undefined ? undefined : (commandOf(step) ?? shorten(step));
  const where = name === undefined ? 'The build failed' : `The build failed at "${name}"`;
  if (exitCode !== null && isOutOfMemory) {
    return {
      summary: `${where}: it needed more than the ${Math.round(limits.memoryBytes / 1024 ** 2)} MB of memory that a build step may use.`,
      remedy: 'Let the step need less memory, for example with fewer parallel jobs.',
      exitCode,
      oomKilled: true,
    };
  }
  return {
    summary:
      exitCode === null
        ? `${where}: ${shorten(message, 500)}`
        : `${where} with exit code ${exitCode}.`,
    remedy: remedyOf(evidence, step),
    exitCode,
  };
};

const remedyOf = (evidence: string, step: string | undefined): string | null => {
  const found = REMEDIES.find(([pattern]) => pattern.test(evidence))?.[1];
  if (found !== undefined) return found;
  if (step === undefined) return 'Correct the Dockerfile: the message names the line.';
  return commandOf(step) === undefined
    ? null
    : `Run "${commandOf(step)}" on a fresh clone of the source to see the same error.`;
};

const shorten = (text: string, length = 120): string => {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > length ? `${line.slice(0, length - 3)}...` : line;
};
