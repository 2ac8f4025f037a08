import { z } from 'zod';
import { defineEvent } from './event.js';
import { appName, configKey, cronJobName, host, id, processType } from './ids.js';
import {
  cronJob,
  encryptedValue,
  formation,
  image,
  processSpec,
  settings,
  source,
} from './values.js';

/** Intent about one app. Only the api writes this stream. */
export const appEvent = z.discriminatedUnion('type', [
  defineEvent('AppCreated', 1, { appId: id, name: appName, teamId: id }),
  defineEvent('ConfigChanged', 1, {
    appId: id,
    set: z.record(configKey, encryptedValue),
    unset: z.array(configKey),
  }),
  defineEvent('SettingsChanged', 1, { appId: id, changes: settings.partial() }),
  defineEvent('BuildRequested', 1, { appId: id, buildId: id, source }),
  defineEvent('BuildCancelRequested', 1, { appId: id, buildId: id }),
  /** `generation` counts what the deployer has to roll out: releases, restarts, changed settings. */
  defineEvent('ReleaseCreated', 1, {
    appId: id,
    version: z.number().int().min(1),
    generation: z.number().int().min(1),
    image,
    buildId: id.nullable(),
    processes: z.record(processType, processSpec),
    rollbackOf: z.number().int().min(1).nullable(),
    /** The release that served when this one was made: it is kept however many follow. */
    liveVersion: z.number().int().min(1).nullable(),
    cause: z.enum(['build', 'image', 'config', 'rollback']),
  }),
  defineEvent('FormationScaled', 1, { appId: id, formation }),
  defineEvent('AppRestarted', 1, {
    appId: id,
    generation: z.number().int().min(1),
    version: z.number().int().min(1),
  }),
  defineEvent('AppStopped', 1, { appId: id }),
  defineEvent('AppStarted', 1, { appId: id }),
  defineEvent('RolloutCancelRequested', 1, { appId: id, rolloutId: id }),
  defineEvent('DomainAdded', 1, { appId: id, host }),
  defineEvent('DomainRemoved', 1, { appId: id, host }),
  defineEvent('CronJobSet', 1, {
    appId: id,
    job: cronJobName,
    ...cronJob.shape,
    /** Only what is due after this time is run. */
    since: z.iso.datetime(),
  }),
  defineEvent('CronJobRemoved', 1, { appId: id, job: cronJobName }),
  defineEvent('AppDestroyed', 1, { appId: id }),
]);
export type AppEvent = z.infer<typeof appEvent>;
