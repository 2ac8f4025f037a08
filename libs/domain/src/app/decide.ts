import type { AppEvent, Formation, Image, ProcessSpec } from '@shiplog/events';
import { accept, reject, type Decision } from '../decider.js';
import { changeBasicAuth } from './change-basic-auth.js';
import type { AppCommand, AppRejection } from './commands.js';
import { removeCronJob, setCronJob } from './cron.js';
import { changeSettings, resizeProcess } from './decide-settings.js';
import { addDomain, removeDomain } from './domains.js';
import { behindGate } from './gate.js';
import { releaseOf, restarted } from './generation.js';
import { decideVolume, exclusiveFault, removed } from './decide-volumes.js';
import { addPort, removePort } from './decide-ports.js';
import { lockApp, unlockApp } from './lock.js';
import { decideMaintenance } from './maintenance.js';
import { cancelRollout, promoteRollout } from './rollouts.js';
import { changeTraffic } from './traffic.js';
import { withConfig, type ActiveApp, type AppState, type Config } from './state.js';

export const INSTANCE_COUNT_MAX = 100;
/** Linux refuses to start a program whose environment and arguments are above 128 KiB a string or 2 MiB in all. */
export const CONFIG_BYTES_MAX = 256 * 1024;

type AppDecision = Decision<AppEvent, AppRejection>;
type CommandOf<T extends AppCommand['type']> = Extract<AppCommand, { type: T }>;

export const decide = ({ gate, ...command }: AppCommand, state: AppState): AppDecision =>
  behindGate(command.type, gate, { state, decision: decideOpen(command, state) });

const decideOpen = (command: AppCommand, state: AppState): AppDecision => {
  if (command.type === 'CreateApp') return createApp(command, state);
  if (state.status === 'none') return reject({ code: 'app-not-found' });
  if (state.status === 'destroyed') {
    if (command.type === 'DestroyApp') return accept();
    return reject({ code: 'app-destroyed', name: state.name });
  }

  switch (command.type) {
    case 'ChangeConfig':
      return changeConfig(command, state);
    case 'ChangeSettings':
      return changeSettings(command, state);
    case 'ResizeProcess':
      return resizeProcess(command, state);
    case 'ChangeTrafficPolicy':
      return changeTraffic(command, state);
    case 'ChangeBasicAuth':
      return changeBasicAuth(command, state);
    case 'RequestBuild':
      return requestBuild(command, state);
    case 'CancelBuild':
      return cancelBuild(command, state);
    case 'CreateRelease':
      return createRelease(command, state);
    case 'PromoteRelease':
      return promoteRelease(command, state);
    case 'RollBack':
      return rollBack(command, state);
    case 'Scale':
      return scale(command, state);
    case 'Restart':
      return restart(command, state);
    case 'StopApp':
      return state.stopped
        ? accept()
        : accept({ type: 'AppStopped', v: 1, data: { appId: state.appId } });
    case 'StartApp':
      return state.stopped
        ? accept({ type: 'AppStarted', v: 1, data: { appId: state.appId } })
        : accept();
    case 'CancelRollout':
      return cancelRollout(command, state);
    case 'PromoteRollout':
      return promoteRollout(command, state);
    case 'AddDomain':
      return addDomain(command, state);
    case 'RemoveDomain':
      return removeDomain(command, state);
    case 'AddPort':
      return addPort(command, state);
    case 'RemovePort':
      return removePort(command, state);
    case 'SetCronJob': {
      const { type: _type, ...job } = command;
      return setCronJob(job, state);
    }
    case 'RemoveCronJob':
      return removeCronJob(command.job, state);
    case 'AddVolume':
    case 'ChangeVolume':
    case 'ChangeVolumeBackup':
    case 'RecreateVolume':
    case 'RemoveVolume':
      return decideVolume(command, state);
    case 'LockApp':
      return lockApp(command, state);
    case 'UnlockApp':
      return unlockApp(command, state);
    case 'BeginMaintenance':
    case 'EndMaintenance':
      return decideMaintenance(command, state);
    case 'DestroyApp':
      if (command.confirm !== state.name) {
        return reject({ code: 'confirmation-mismatch', expected: state.name });
      }
      return accept(
        ...(command.removesVolumes === true
          ? Object.values(state.volumes).map((volume) => removed(state, volume))
          : []),
        { type: 'AppDestroyed', v: 1, data: { appId: state.appId } },
      );
  }
};

const createApp = (command: CommandOf<'CreateApp'>, state: AppState): AppDecision => {
  const { appId, name, teamId } = command;
  if (state.status !== 'none') {
    // The id is derived from the request: the same id is the same request once more.
    return state.name === name ? accept() : reject({ code: 'app-already-exists', name });
  }
  return accept({ type: 'AppCreated', v: 1, data: { appId, name, teamId } });
};

const changeConfig = (command: CommandOf<'ChangeConfig'>, state: ActiveApp): AppDecision => {
  const missing = command.unset.find((key) => !Object.hasOwn(state.config, key));
  if (missing !== undefined) return reject({ code: 'config-key-not-set', key: missing });
  const unset = command.unset.filter((key) => !Object.hasOwn(command.set, key));
  if (Object.keys(command.set).length === 0 && unset.length === 0) return accept();

  const config = withConfig(state.config, command.set, unset);
  const bytes = bytesOf(config);
  if (bytes > CONFIG_BYTES_MAX) {
    return reject({ code: 'config-too-large', bytes, limit: CONFIG_BYTES_MAX });
  }
  const changed: AppEvent = {
    type: 'ConfigChanged',
    v: 1,
    data: { appId: state.appId, set: { ...command.set }, unset: [...unset] },
  };
  const base = releaseOf(state, command.baseVersion);
  return base === undefined
    ? accept(changed)
    : accept(
        changed,
        releaseCreated(state, command.baseVersion, { ...base, cause: 'config', rollbackOf: null }),
      );
};

const requestBuild = (command: CommandOf<'RequestBuild'>, state: ActiveApp): AppDecision => {
  if (Object.hasOwn(state.builds, command.buildId)) return accept();
  return accept({
    type: 'BuildRequested',
    v: 1,
    data: { appId: state.appId, buildId: command.buildId, source: command.source },
  });
};

const cancelBuild = (command: CommandOf<'CancelBuild'>, state: ActiveApp): AppDecision => {
  // `constructor` is found in every object; ids come from users (as do config keys and process types).
  const build = Object.hasOwn(state.builds, command.buildId)
    ? state.builds[command.buildId]
    : undefined;
  if (build === undefined) return reject({ code: 'build-not-found', buildId: command.buildId });
  if (build.cancelRequested) return accept();
  return accept({
    type: 'BuildCancelRequested',
    v: 1,
    data: { appId: state.appId, buildId: command.buildId },
  });
};

const createRelease = (command: CommandOf<'CreateRelease'>, state: ActiveApp): AppDecision => {
  // One build makes one release, however often the process manager asks.
  if (state.releases.some((r) => r.buildId === command.buildId && r.rollbackOf === null))
    return accept();
  const release = releaseCreated(state, command.liveVersion, { ...command, rollbackOf: null });
  return accept(release, ...formationScaled(state, command.processes));
};

/** Image and processes of another app's release, with this app's own config: nothing is built. */
const promoteRelease = (
  { from, image, processes, liveVersion }: CommandOf<'PromoteRelease'>,
  state: ActiveApp,
): AppDecision => {
  const release = releaseCreated(state, liveVersion, {
    image,
    processes,
    buildId: null,
    cause: 'image',
    rollbackOf: null,
  });
  const { appId: fromAppId, version: fromVersion, commit, branch } = from;
  const promoted: AppEvent = {
    type: 'ReleasePromoted',
    v: 1,
    data: {
      appId: state.appId,
      version: state.lastVersion + 1,
      fromAppId,
      fromVersion,
      commit,
      branch,
    },
  };
  return accept(release, promoted, ...formationScaled(state, processes));
};

const formationScaled = (
  state: ActiveApp,
  processes: Readonly<Record<string, ProcessSpec>>,
): readonly AppEvent[] => {
  const formation = formationAdditions(state.formation, processes);
  return Object.keys(formation).length === 0
    ? []
    : [{ type: 'FormationScaled', v: 1, data: { appId: state.appId, formation } }];
};

/** A first deploy runs one `web` and nothing else; a process type that comes later starts at none. */
const formationAdditions = (
  current: Formation,
  processes: Readonly<Record<string, ProcessSpec>>,
): Formation =>
  Object.fromEntries(
    Object.keys(processes)
      .filter((type) => !Object.hasOwn(current, type))
      .map((type) => [type, type === 'web' ? 1 : 0]),
  );

const rollBack = (command: CommandOf<'RollBack'>, state: ActiveApp): AppDecision => {
  const target = state.releases.find((release) => release.version === command.version);
  if (target === undefined) {
    return reject({
      code: 'release-not-found',
      version: command.version,
      kept: state.releases.map((release) => release.version),
    });
  }
  if (command.version === command.liveVersion) {
    return reject({ code: 'release-already-live', version: command.version });
  }
  const { set, unset } = configDifference(state.config, target.config);
  const release = releaseCreated(state, command.liveVersion, {
    ...target,
    cause: 'rollback',
    rollbackOf: target.version,
  });
  if (Object.keys(set).length === 0 && unset.length === 0) return accept(release);
  return accept({ type: 'ConfigChanged', v: 1, data: { appId: state.appId, set, unset } }, release);
};

const scale = (command: CommandOf<'Scale'>, state: ActiveApp): AppDecision => {
  const known = Object.keys(state.formation);
  for (const [processType, requested] of Object.entries(command.formation)) {
    if (state.releases.length > 0 && !known.includes(processType)) {
      return reject({ code: 'process-type-unknown', processType, known });
    }
    const fault = exclusiveFault(state, processType, requested);
    if (fault !== null) return reject(fault);
    if (requested > 1 && state.settings.stopFirst.includes(processType)) {
      return reject({ code: 'process-runs-once', processType, requested });
    }
    if (requested > INSTANCE_COUNT_MAX) {
      return reject({
        code: 'instance-count-above-limit',
        processType,
        requested,
        limit: INSTANCE_COUNT_MAX,
      });
    }
  }
  if (state.releases.length === 0) return reject({ code: 'nothing-deployed' });
  const changes = Object.entries(command.formation).filter(
    ([type, n]) => state.formation[type] !== n,
  );
  // Repeating a command must not grow the stream: clients retry, and so does the CLI.
  if (changes.length === 0) return accept();
  return accept({
    type: 'FormationScaled',
    v: 1,
    data: { appId: state.appId, formation: Object.fromEntries(changes) },
  });
};

const restart = (command: CommandOf<'Restart'>, state: ActiveApp): AppDecision => {
  const base = releaseOf(state, command.baseVersion);
  if (base === undefined) return reject({ code: 'nothing-deployed' });
  return accept(restarted(state, base.version));
};

const releaseCreated = (
  state: ActiveApp,
  liveVersion: number | null,
  from: {
    image: Image;
    buildId: string | null;
    processes: Readonly<Record<string, ProcessSpec>>;
    cause: 'build' | 'image' | 'config' | 'rollback';
    rollbackOf: number | null;
  },
): AppEvent => ({
  type: 'ReleaseCreated',
  v: 1,
  data: {
    appId: state.appId,
    version: state.lastVersion + 1,
    generation: state.generation + 1,
    image: from.image,
    buildId: from.buildId,
    processes: { ...from.processes },
    rollbackOf: from.rollbackOf,
    liveVersion,
    cause: from.cause,
  },
});

const configDifference = (
  from: Config,
  to: Config,
): { set: Record<string, string>; unset: string[] } => ({
  set: Object.fromEntries(Object.entries(to).filter(([key, value]) => from[key] !== value)),
  unset: Object.keys(from).filter((key) => !Object.hasOwn(to, key)),
});

const bytesOf = (config: Config): number =>
  Object.entries(config).reduce((sum, [key, value]) => sum + key.length + value.length, 0);
