import type { KnownCronJob } from './cron-jobs.js';
import type { Formation, Image, ProcessSpec, Settings, Source } from '@shiplog/events';

/** `baseVersion`: the release whose image goes on: the live one, or the newest where none is live yet. */
export type AppCommand =
  | { type: 'CreateApp'; appId: string; name: string; teamId: string }
  | {
      type: 'ChangeConfig';
      set: Readonly<Record<string, string>>;
      unset: readonly string[];
      baseVersion: number | null;
    }
  | { type: 'ChangeSettings'; changes: Partial<Settings>; baseVersion: number | null }
  | { type: 'RequestBuild'; buildId: string; source: Source }
  | { type: 'CancelBuild'; buildId: string }
  | {
      type: 'CreateRelease';
      image: Image;
      buildId: string;
      processes: Readonly<Record<string, ProcessSpec>>;
      cause: 'build' | 'image';
      liveVersion: number | null;
    }
  | { type: 'RollBack'; version: number; liveVersion: number | null }
  | { type: 'Scale'; formation: Formation }
  | { type: 'Restart'; baseVersion: number | null }
  | { type: 'StopApp' }
  | { type: 'StartApp' }
  | { type: 'CancelRollout'; rolloutId: string }
  | { type: 'AddDomain'; host: string }
  | { type: 'RemoveDomain'; host: string }
  | ({ type: 'SetCronJob'; job: string } & KnownCronJob)
  | { type: 'RemoveCronJob'; job: string }
  | { type: 'DestroyApp'; confirm: string };

export type AppRejection =
  | { code: 'app-not-found' }
  | { code: 'app-already-exists'; name: string }
  | { code: 'app-destroyed'; name: string }
  | { code: 'build-not-found'; buildId: string }
  | { code: 'release-not-found'; version: number; kept: readonly number[] }
  | { code: 'release-already-live'; version: number }
  | { code: 'nothing-deployed' }
  | { code: 'process-type-unknown'; processType: string; known: readonly string[] }
  | { code: 'instance-count-above-limit'; processType: string; requested: number; limit: number }
  | { code: 'config-key-not-set'; key: string }
  | { code: 'config-too-large'; bytes: number; limit: number }
  | { code: 'domain-not-on-app'; host: string }
  | { code: 'too-many-domains'; limit: number }
  | { code: 'cron-job-not-found'; job: string; known: readonly string[] }
  | { code: 'too-many-cron-jobs'; limit: number }
  | { code: 'confirmation-mismatch'; expected: string };
