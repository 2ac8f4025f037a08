import { realpath } from 'node:fs/promises';
import { sep } from 'node:path';
import { describeError } from '@shiplog/runtime';
import { followProgress } from '../progress/index.js';
import { buildOfCommit } from './build-of-commit.js';
import {
  faultOf,
  missingParts,
  storeSource,
  subjectOf,
  type PushedCommit,
} from './commit-source.js';
import { decidePush } from './decide-push.js';
import type { HookQuestion } from './hook-server.js';
import type { Push, PushDependencies, Say } from './push.js';
import {
  barOf,
  barText,
  isOfGate,
  noteRefused,
  overridesIn,
  pushGate,
  reasonOf,
  type Overrides,
} from './push-gate.js';
import { printProgress } from './print-progress.js';

/**
 * Decides about a push before anything of it is stored, and deploys it: source kept by its digest, then
 * the intent in the log, then only watching. So the pusher may hang up, and this process may die: build
 * and deploy go on, and the same push once more finds them. True when all refs may be stored.
 */
export const preReceive = async (
  deps: PushDependencies,
  push: Push,
  asked: HookQuestion,
  say: Say,
  signal: AbortSignal,
): Promise<boolean> => {
  const decision = decidePush(asked.updates);
  if (decision.kind === 'refused') {
    say(decision.text);
    return false;
  }
  for (const note of decision.notes) say(note);
  if (decision.deploy === null) return true;
  try {
    return await deploy(deps, push, { ...decision.deploy, asked }, say, signal);
  } catch (error) {
    deps.logger.error({ appId: push.app.appId, error: describeError(error) }, 'push-broke-off');
    say(`the push could not be deployed: ${whatWentWrong(error)}`);
    return false;
  }
};

interface Deploy {
  readonly commit: string;
  readonly branch: string;
  readonly asked: HookQuestion;
}

const deploy = async (
  deps: PushDependencies,
  push: Push,
  { commit, branch, asked }: Deploy,
  say: Say,
  signal: AbortSignal,
): Promise<boolean> => {
  const { appId } = push.app;
  const repository = deps.repositories.path(appId);
  const quarantine = await quarantineIn(repository, asked.quarantine);
  const pushed: PushedCommit = { repository, commit, quarantine };
  const fault = await faultOf(pushed);
  if (fault !== undefined) {
    say(fault);
    return false;
  }
  for (const note of await missingParts(pushed)) say(`note: ${note}`);

  await deps.feed.catchUp();
  const build = await buildOfCommit(deps, appId, commit);
  if (build.isRunning) {
    say('this commit is being deployed already; following that');
  } else {
    const bar = barOf(deps, push, asked.options);
    if (bar !== undefined) {
      say(bar);
      return false;
    }
    const { digest } = await storeSource(pushed, deps.sources);
    const refusal = await requestBuild(deps, push, {
      buildId: build.buildId,
      reason: reasonOf(asked.options) ?? (await subjectOf(pushed)),
      overrides: overridesIn(asked.options),
      source: { kind: 'archive', digest, via: 'git', commit, branch },
    });
    if (refusal !== undefined) {
      say(refusal);
      return false;
    }
  }
  const events = followProgress(deps, appId, { build: build.buildId }, signal);
  const isLive = await printProgress(events, say);
  if (isLive) push.deployedBuildId = build.buildId;
  else if (signal.aborted)
    say('the platform is stopping; the deploy goes on: shiplog deploys list');
  return isLive;
};

interface Request {
  readonly buildId: string;
  readonly reason: string | null;
  readonly overrides: Overrides;
  readonly source: {
    readonly kind: 'archive';
    readonly digest: string;
    readonly via: 'git';
    readonly commit: string;
    readonly branch: string;
  };
}

/** Returns why it was refused. */
const requestBuild = async (
  deps: PushDependencies,
  push: Push,
  { buildId, reason, source, overrides }: Request,
): Promise<string | undefined> => {
  const { commands, feed } = deps;
  const { app, actor, origin } = push;
  const result = await commands.handle(
    'app',
    app.appId,
    { type: 'RequestBuild', buildId, source, gate: pushGate(deps, push, overrides) },
    { actor, origin, reason },
  );
  if (result.outcome === 'accepted') {
    await feed.reach(result.position);
    return undefined;
  }
  if (result.outcome !== 'repeated') {
    const isRejected = result.outcome === 'rejected';
    const code = isRejected ? result.rejection.code : result.outcome;
    noteRefused(deps, push, { outcome: isRejected ? 'rejected' : 'conflict', code, reason });
  }
  if (result.outcome === 'rejected' && isOfGate(result.rejection)) {
    return barText(result.rejection, push);
  }
  return result.outcome === 'rejected' && result.rejection.code === 'app-destroyed'
    ? `app '${app.name}' was destroyed`
    : `the deploy was refused: ${result.outcome === 'rejected' ? result.rejection.code : result.outcome}`;
};

/** The object directories that git made for this push: inside the app's repository, or not believed. */
const quarantineIn = async (
  repository: string,
  given: HookQuestion['quarantine'],
): Promise<Record<string, string>> => {
  const objects = given.GIT_OBJECT_DIRECTORY;
  if (objects === undefined) return {};
  const [inside, home] = await Promise.all([realpath(objects), realpath(repository)]);
  if (!inside.startsWith(`${home}${sep}objects${sep}`)) {
    throw new Error('the pushed objects are not in the repository of the app');
  }
  return {
    GIT_OBJECT_DIRECTORY: inside,
    GIT_ALTERNATE_OBJECT_DIRECTORIES: `${home}${sep}objects`,
    GIT_QUARANTINE_PATH: inside,
  };
};

const whatWentWrong = (error: unknown): string => {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code === 'ENOSPC') return 'the disk of the platform is full; nothing was changed';
  if (code === 'source-too-large') return `${describeError(error)}; nothing was changed`;
  return 'the platform has a fault; its operator finds it in the log of the api; try again later';
};
