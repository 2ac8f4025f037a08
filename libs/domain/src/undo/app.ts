import { toSequence, type AppEvent, type DomainEventUnion, type Settings } from '@shiplog/events';
import { nothingLeft, own, possible, type AppQuestion, type EventNamed } from './app-question.js';
import { LIMITS, TAKES_EFFECT } from '../app/resources.js';
import { sortParts } from './changed-since.js';
import { undoBasicAuth } from './basic-auth.js';
import { undoHealthCheck } from './checks.js';
import { undoConfig } from './config.js';
import { undoCronJob } from './cron.js';
import {
  undoDomainAdded,
  undoDomainRemoved,
  undoDomainUse,
  undoStart,
  undoStop,
} from './on-off.js';
import { undoLock, undoUnlock } from './locks.js';
import { undoMaintenance } from './maintenance.js';
import { impossible, type UndoProposal } from './proposal.js';
import { undoPort } from './ports.js';
import { undoTraffic } from './traffic.js';
import { undoVolumeAdded, undoVolumeBackup, undoVolumeChanged } from './volumes.js';
import { undoRelease } from './release.js';
import { formationText, limitsText, settingName, settingText, shellWord } from './words.js';

type AppUndo = {
  readonly [T in AppEvent['type']]: (event: EventNamed<T>, question: AppQuestion) => UndoProposal;
};

const overridden = (): UndoProposal =>
  impossible(
    'This notes what was put aside for the rest of its commit.',
    'Take back what was done there: the event before it in the same commit.',
  );

/** How each kind of change of an app is taken back. A new event type does not compile without a row here. */
export const appUndo: AppUndo = {
  AppCreated: (_event, { now }) =>
    impossible(
      'An app is not taken away by an undo: destroying one is for good.',
      `shiplog apps destroy ${now.name} --confirm ${now.name}`,
    ),
  AppDestroyed: () =>
    impossible(
      'The key of the app was shredded when it was destroyed, so that its config can never be read again.',
      'Create a new app and deploy to it: shiplog apps create NAME',
    ),
  ConfigChanged: (event, question) => undoConfig(event, question),
  SettingsChanged: (event, question) => undoSettings(event, question),
  HealthCheckChanged: (event, question) => undoHealthCheck(event, question),
  TrafficPolicyChanged: (event, question) => undoTraffic(event, question),
  BasicAuthChanged: (event, question) => undoBasicAuth(event, question),
  ProcessResized: (event, question) => undoResize(event, question),
  FormationScaled: (event, question) => undoScale(event, question),
  ReleaseCreated: (event, question) => undoRelease(event, question),
  ReleasePromoted: ({ data: { version } }, { now }) =>
    impossible(
      `v${version} came from another app; what is taken back is the release itself.`,
      `shiplog rollback -a ${now.name}`,
    ),
  BuildRequested: (event, question) => undoBuild(event, question),
  BuildCancelRequested: ({ data: { buildId } }) =>
    impossible(`Build ${buildId} was cancelled and cannot go on.`, 'Deploy the same source again.'),
  AppRestarted: () =>
    impossible('A restart leaves nothing behind that could be as it was before.', null),
  AppStopped: (_event, question) => undoStop(question),
  AppStarted: (_event, question) => undoStart(question),
  RolloutCancelRequested: ({ data: { rolloutId } }, { now }) => {
    const release = now.releases.find(({ generation }) => rolloutId.endsWith(`-g${generation}`));
    const version = release === undefined ? 'VERSION' : `v${release.version}`;
    return impossible(
      `Deploy ${rolloutId} was cancelled and cannot go on.`,
      `Bring its release live: shiplog rollback ${version} -a ${now.name}`,
    );
  },
  RolloutPromoteRequested: ({ data: { rolloutId } }, { now }) =>
    impossible(
      `Deploy ${rolloutId} went on when it was promoted.`,
      `Go back to what served before it: shiplog rollback -a ${now.name}`,
    ),
  DomainAdded: ({ data: { host } }, question) => undoDomainAdded(host, question),
  DomainUseChanged: ({ data: { host } }, question) => undoDomainUse(host, question),
  DomainRemoved: ({ data: { host } }, question) => undoDomainRemoved(host, question),
  PortAdded: ({ data: { port } }, question) => undoPort(port, question),
  PortRemoved: ({ data: { port } }, question) => undoPort(port, question),
  CronJobSet: ({ data: { job } }, question) => undoCronJob(job, question),
  CronJobRemoved: ({ data: { job } }, question) => undoCronJob(job, question),
  VolumeAdded: (event, question) => undoVolumeAdded(event, question),
  VolumeChanged: (event, question) => undoVolumeChanged(event, question),
  VolumeBackupChanged: (event, question) => undoVolumeBackup(event, question),
  VolumeRecreated: ({ data: { name } }) =>
    impossible(`What was in the volume ${name} was lost before an empty one took its place.`, null),
  VolumeRemoved: ({ data: { name } }) =>
    impossible(`What was in the volume ${name} was deleted.`, null),
  AppLocked: (event, question) => undoLock(event, question),
  AppUnlocked: (_event, question) => undoUnlock(question),
  MaintenanceChanged: (_event, question) => undoMaintenance(question),
  LockOverridden: overridden,
  FreezeOverridden: overridden,
};

const undoSettings = (
  { data }: EventNamed<'SettingsChanged'>,
  question: AppQuestion,
): UndoProposal => {
  const { before, now, facts } = question;
  const fields = Object.keys(data.changes) as (keyof Settings)[];
  const parts = fields.map((field) => ({
    name: field,
    was: comparable(before.settings[field]),
    made: comparable(data.changes[field]),
    is: comparable(now.settings[field]),
  }));
  const { back, leaves, overwrites } = sortParts(parts, question, touchesSetting);
  if (back.length === 0) return nothingLeft('settings', leaves);
  const named = back.map(({ name }) => {
    const field = name as keyof Settings;
    return { word: settingName(field), text: settingText(field, before.settings[field]) };
  });
  const pairs = named.map(({ word, text }) => shellWord(`${word}=${text}`));
  return possible(
    question,
    {
      type: 'ChangeSettings',
      changes: Object.fromEntries(
        back.map(({ name }) => [name, before.settings[name as keyof Settings]]),
      ),
      baseVersion: facts.liveVersion,
    },
    {
      lines: [`settings set ${pairs.join(' ')}`],
      restores: named.map(({ word, text }) => `${word} is ${text} again.`),
      causes:
        now.releases.length === 0 ? [] : effectsOf(back.map(({ name }) => name as keyof Settings)),
      leaves,
      overwrites,
    },
  );
};

/** Lists and tables are told apart by what they hold. */
const comparable = (value: Settings[keyof Settings] | undefined) =>
  typeof value === 'object' && value !== null ? JSON.stringify(value) : value;

const effectsOf = (fields: readonly (keyof Settings)[]): readonly string[] => {
  const effects = new Set(fields.map((field) => TAKES_EFFECT[field]));
  if (effects.has('replace')) return ['All instances are replaced, without a gap.'];
  return effects.has('live') ? [RESIZED] : [];
};
const RESIZED = 'Running instances are resized, without a restart.';

/** The limits of a process type are taken back as a whole. */
const undoResize = (
  { data: { process, limits } }: EventNamed<'ProcessResized'>,
  question: AppQuestion,
): UndoProposal => {
  const { before, now } = question;
  const was = own(before.ownLimits, process) ?? {};
  const is = own(now.ownLimits, process) ?? {};
  const parts = [
    { name: process, was: limitsText(was), made: limitsText(limits), is: limitsText(is) },
  ];
  const touches = (name: string, event: DomainEventUnion): boolean =>
    event.type === 'ProcessResized' && event.data.process === name;
  const { back, leaves, overwrites } = sortParts(parts, question, touches);
  if (back.length === 0) return nothingLeft('limits', leaves);
  const unset = LIMITS.filter((field) => was[field] === undefined && is[field] !== undefined);
  const text = limitsText(was);
  return possible(
    question,
    { type: 'ResizeProcess', process, set: was, unset },
    {
      // Whatever else it has by now goes first.
      lines: [`resize ${shellWord(`${process}=${text === 'default' ? text : `default,${text}`}`)}`],
      restores: [
        text === 'default'
          ? `${process} has the limits of the app again.`
          : `${process} has ${text} again.`,
      ],
      causes: now.releases.length === 0 ? [] : [RESIZED],
      leaves,
      overwrites,
    },
  );
};

const undoScale = (
  { data }: EventNamed<'FormationScaled'>,
  question: AppQuestion,
): UndoProposal => {
  const { before, now } = question;
  const parts = Object.entries(data.formation).map(([name, made]) => ({
    name,
    // A process type that is new with a release is not scaled away: it has no instances.
    was: own(before.formation, name) ?? 0,
    made,
    is: own(now.formation, name),
  }));
  const { back, leaves, overwrites } = sortParts(parts, question, touchesProcess);
  if (back.length === 0) return nothingLeft('process types', leaves);
  const formation = Object.fromEntries(back.map(({ name, was = 0 }) => [name, was]));
  return possible(
    question,
    { type: 'Scale', formation },
    {
      lines: [`scale ${formationText(formation)}`],
      restores: back.map(
        ({ name, was = 0 }) => `${name} has ${was} instance${was === 1 ? '' : 's'} again.`,
      ),
      causes: back.map(({ name, was = 0, is = 0 }) =>
        was > is
          ? `New instances of ${name} start.`
          : `Surplus instances of ${name} finish their requests and stop.`,
      ),
      leaves,
      overwrites,
    },
  );
};

const undoBuild = (
  { data: { buildId } }: EventNamed<'BuildRequested'>,
  question: AppQuestion,
): UndoProposal => {
  if (question.facts.openBuilds.includes(buildId)) {
    return possible(
      question,
      { type: 'CancelBuild', buildId },
      {
        lines: [`builds cancel ${buildId}`],
        restores: [`Nothing is released of build ${buildId}.`],
        causes: ['The build ends.'],
        settles: false,
      },
    );
  }
  const isItsRelease = (event: DomainEventUnion): boolean =>
    event.type === 'ReleaseCreated' &&
    event.data.buildId === buildId &&
    event.data.rollbackOf === null;
  const release = question.later.find(({ commit }) => commit.events.some(isItsRelease));
  return impossible(
    `Build ${buildId} is over: what it made stays.`,
    release === undefined
      ? null
      : `Take back the release that was made of it: shiplog undo ${toSequence(release.position, 0)}`,
  );
};

const touchesSetting = (field: string, event: DomainEventUnion): boolean =>
  event.type === 'SettingsChanged' && Object.hasOwn(event.data.changes, field);
const touchesProcess = (process: string, event: DomainEventUnion): boolean =>
  event.type === 'FormationScaled' && Object.hasOwn(event.data.formation, process);
