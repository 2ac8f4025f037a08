import type { DomainEventUnion } from '@shiplog/events';
import type { KnownCronJob } from '../app/cron-jobs.js';
import { own, possible, type AppQuestion } from './app-question.js';
import { changedSince, isChangedSince } from './changed-since.js';
import { unneeded, type UndoProposal } from './proposal.js';
import { shellWord } from './words.js';

/** A job as it was before it was set or removed. */
export const undoCronJob = (job: string, question: AppQuestion): UndoProposal => {
  const was = own(question.before.cronJobs, job);
  const is = own(question.now.cronJobs, job);
  const what = `cron job ${job}`;
  if (isSame(was, is)) return unneeded(`The ${what} is as it was before.`);
  const touches = (event: DomainEventUnion): boolean =>
    (event.type === 'CronJobSet' || event.type === 'CronJobRemoved') && event.data.job === job;
  const since = isChangedSince(question, touches) ? [changedSince(what, question, touches)] : [];
  if (since.length > 0 && !question.force) {
    return { outcome: 'overtaken', why: `The ${what} was changed again since.`, leaves: since };
  }
  const more = { overwrites: since, settles: false };
  if (was === undefined) {
    return possible(
      question,
      { type: 'RemoveCronJob', job },
      {
        lines: [`cron remove ${job}`],
        restores: [`There is no ${what} any more.`],
        causes: ['A run of it that is under way goes on.'],
        ...more,
      },
    );
  }
  return possible(
    question,
    // Due times from then on until now are nobody's: it begins where the newer one leaves off.
    { type: 'SetCronJob', job, ...was, since: is?.since ?? was.since },
    {
      lines: [`cron set ${lineOf(job, was)}`],
      restores: [`The ${what} runs at "${was.schedule}" (${was.timeZone}) again.`],
      causes: is === undefined ? ['If it was due meanwhile, that counts as missed.'] : [],
      ...more,
    },
  );
};

const isSame = (a: KnownCronJob | undefined, b: KnownCronJob | undefined): boolean =>
  JSON.stringify({ ...a, since: '' }) === JSON.stringify({ ...b, since: '' });

const lineOf = (job: string, cron: KnownCronJob): string =>
  [
    job,
    shellWord(cron.schedule),
    '--time-zone',
    shellWord(cron.timeZone),
    `--overlap ${cron.overlap} --missed ${cron.missed}`,
    ...(cron.timeoutSeconds === null ? [] : [`--timeout ${cron.timeoutSeconds}s`]),
    '--',
    ...cron.command.map(shellWord),
  ].join(' ');
