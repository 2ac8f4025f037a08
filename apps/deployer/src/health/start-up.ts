import { checkName, checkOf, setCheck, type ActiveApp } from '@shiplog/domain';
import type { Check } from '@shiplog/events';
import type { Question } from '../probes/probe.js';
import { askable, type AskCheck, type CheckTarget } from './ask-check.js';

export interface StartUp {
  /** Asked as every instance is: over its health path, or whether it listens. False: its own start-up check says it. */
  readonly isDefault: boolean;
  readonly questions: readonly Question[];
  /** Names of the checks that it has passed when all is answered. */
  readonly passed: readonly string[];
}

/** What an instance has to pass before it is ready: its start-up check, and its readiness check where that is another one. */
export const startUpOf = (
  app: ActiveApp,
  process: string,
  target: CheckTarget,
  ask: AskCheck,
): StartUp => {
  const startup = setCheck(app.checks, process, 'startup');
  const readiness = askable(checkOf(app, process, 'readiness'), process, target);
  const asked = startup ?? askable(checkOf(app, process, 'startup'), process, target);
  const isCovered =
    readiness === null || (asked !== null && checkName(asked) === checkName(readiness));
  const checks = [
    ...(startup === undefined || startup.kind === 'none' ? [] : [startup]),
    ...(isCovered ? [] : [readiness]),
  ];
  return {
    isDefault: startup === undefined,
    questions: checks.map((check) => questionOf(check, target, ask)),
    passed: [asked, readiness].flatMap((check) =>
      check === null || check.kind === 'tcp' || check.kind === 'none' ? [] : checkName(check),
    ),
  };
};

const questionOf = (check: Check, target: CheckTarget, ask: AskCheck): Question => ({
  ask: () => ask(check, target),
  successes: check.successes,
  delayMs: check.delayMs,
  intervalMs: check.intervalMs,
});
