import type { Config } from '../app/index.js';
import { rolloutIdOf } from '../rollout/index.js';
import { newRelease, own, possible, type AppQuestion, type EventNamed } from './app-question.js';
import { allChangesSince } from './changed-since.js';
import { undoConfig } from './config.js';
import { impossible, unneeded, type UndoProposal } from './proposal.js';

type ReleaseCreated = EventNamed<'ReleaseCreated'>;

/** Back to what served when it was made; nothing but that release's own commit goes, unless it is asked for. */
export const undoRelease = ({ data }: ReleaseCreated, question: AppQuestion): UndoProposal => {
  const { before, now, later, facts, force } = question;
  const target = data.liveVersion;
  if (target === null) {
    const why =
      before.generationVersion === 0
        ? `v${data.version} was the first release: there is nothing to go back to.`
        : `Nothing served before v${data.version}: there is nothing to go back to.`;
    return impossible(why, `shiplog stop -a ${now.name}`);
  }
  const since = allChangesSince(later, (event) =>
    event.type === 'ReleaseCreated' ? `v${event.data.version}` : undefined,
  );
  if (since.length > 0 && !force) {
    return {
      outcome: 'overtaken',
      why: `v${data.version} is not the newest release any more: going back to v${target} takes back what came after it, too.`,
      leaves: since,
    };
  }
  if (facts.liveVersion === target) return undoUnserved(data, target, question);
  const release = now.releases.find(({ version }) => version === target);
  if (release === undefined) {
    return impossible(
      `v${target}, which served before, is not kept any more.`,
      `Deploy its source again; kept are ${now.releases.map(({ version }) => `v${version}`).join(', ')}.`,
    );
  }
  return possible(
    question,
    { type: 'RollBack', version: target, liveVersion: facts.liveVersion },
    {
      lines: [`rollback v${target}`],
      restores: [`Image, processes and config of v${target} serve again.`],
      causes: [...newRelease(now), ...configNews(now.config, release.config, target)],
      overwrites: since,
    },
  );
};

/** It is on its way, or never arrived: what served before serves. */
const undoUnserved = (
  { version, generation }: ReleaseCreated['data'],
  serving: number,
  question: AppQuestion,
): UndoProposal => {
  const { now, facts, force, commit } = question;
  // A rollback brought config along, which the next release would have.
  const configured = commit.commit.events.find((event) => event.type === 'ConfigChanged');
  const config = configured === undefined ? undefined : undoConfig(configured, question);
  if (config !== undefined && config.outcome !== 'unneeded') return config;
  if (!facts.isRollingOut || (now.generation !== generation && !force)) {
    return unneeded(`v${version} does not serve: v${serving} goes on serving.`);
  }
  const rolloutId = rolloutIdOf(now.appId, now.generation);
  return possible(
    question,
    { type: 'CancelRollout', rolloutId },
    {
      lines: [`deploys cancel ${rolloutId}`],
      restores: [`v${serving} goes on serving.`],
      causes: ['The deploy that is under way is cancelled.'],
      settles: false,
    },
  );
};

/** Names only. */
const configNews = (is: Config, will: Config, version: number): readonly string[] => {
  const keys = [...new Set([...Object.keys(is), ...Object.keys(will)])]
    .filter((key) => own(is, key) !== own(will, key))
    .toSorted();
  return keys.length === 0 ? [] : [`Config as in v${version}, that is another ${keys.join(', ')}.`];
};
