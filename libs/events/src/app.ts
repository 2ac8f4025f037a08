import { z } from 'zod';
import { basicAuthUser } from './basic-auth.js';
import { check, PROBES } from './checks.js';
import { domainName, domainUse } from './domains.js';
import { defineEvent } from './event.js';
import { appName, configKey, cronJobName, id, processType } from './ids.js';
import { lockEvents } from './gates.js';
import { maintenanceEvent } from './maintenance.js';
import { appPortEvents } from './ports.js';
import { ownLimits } from './resources.js';
import { trafficPolicy } from './traffic.js';
import { appVolumeEvents } from './volume.js';
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
  /** Counts from now on, for what runs too; null brings the default back. */
  defineEvent('HealthCheckChanged', 1, {
    appId: id,
    process: processType,
    probe: z.enum(PROBES),
    check: check.nullable(),
  }),
  defineEvent('SettingsChanged', 4, { appId: id, changes: settings.partial() }),
  /** The whole policy from now on; empty: none any more. Counts for what runs, without a rollout. */
  defineEvent('TrafficPolicyChanged', 1, { appId: id, policy: trafficPolicy }),
  /**
   * Who may send requests, by name, each with a hash of the password, encrypted as config is; without anybody: everyone.
   * `passesHeader`: whether the app sees the `Authorization` of a client; null: as before.
   */
  defineEvent('BasicAuthChanged', 1, {
    appId: id,
    set: z.record(basicAuthUser, encryptedValue),
    unset: z.array(basicAuthUser),
    passesHeader: z.boolean().nullable(),
  }),
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
  /** The release of the same commit is one of another app: the same image, nothing built. */
  defineEvent('ReleasePromoted', 1, {
    appId: id,
    version: z.number().int().min(1),
    fromAppId: id,
    fromVersion: z.number().int().min(1),
    /** The git commit that the image was built from. */
    commit: z
      .string()
      .regex(/^[0-9a-f]{40,64}$/)
      .nullable(),
    branch: z.string().max(250).nullable(),
  }),
  defineEvent('FormationScaled', 1, { appId: id, formation }),
  /** Limits that one process type has otherwise than its app, all of them; empty: none any more. */
  defineEvent('ProcessResized', 1, { appId: id, process: processType, limits: ownLimits }),
  defineEvent('AppRestarted', 1, {
    appId: id,
    generation: z.number().int().min(1),
    version: z.number().int().min(1),
  }),
  defineEvent('AppStopped', 1, { appId: id }),
  defineEvent('AppStarted', 1, { appId: id }),
  defineEvent('RolloutCancelRequested', 1, { appId: id, rolloutId: id }),
  /** It need not wait before this step any longer. */
  defineEvent('RolloutPromoteRequested', 1, {
    appId: id,
    rolloutId: id,
    step: z.number().int().min(1).max(1000),
  }),
  /** `host`: a domain, so it may begin with `*.` and end with a path. */
  defineEvent('DomainAdded', 2, { appId: id, host: domainName, use: domainUse }),
  defineEvent('DomainUseChanged', 1, { appId: id, host: domainName, use: domainUse }),
  defineEvent('DomainRemoved', 2, { appId: id, host: domainName }),
  defineEvent('CronJobSet', 1, {
    appId: id,
    job: cronJobName,
    ...cronJob.shape,
    /** Only what is due after this time is run. */
    since: z.iso.datetime(),
  }),
  defineEvent('CronJobRemoved', 1, { appId: id, job: cronJobName }),
  ...appVolumeEvents,
  ...appPortEvents,
  ...lockEvents,
  maintenanceEvent,
  defineEvent('AppDestroyed', 1, { appId: id }),
]);
export type AppEvent = z.infer<typeof appEvent>;
