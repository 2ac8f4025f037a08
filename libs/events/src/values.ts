import { z } from 'zod';
import { urlPath } from './checks.js';
import { digest, id, processType } from './ids.js';
import { strategySettings } from './strategy.js';
import { containerShape, limitShape } from './resources.js';

/**
 * A config value as it enters the log: AES-256-GCM under the app's key, `enc1.<iv>.<tag>.<text>` in
 * base64url. The plain value exists only in the api (at the door) and the deployer (at start).
 */
export const encryptedValue = z
  .string()
  .max(100_000)
  .regex(/^enc1\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*$/);

/** How one process type is started: `null` runs the image's own command. */
export const processSpec = z.strictObject({
  command: z.array(z.string().max(4096)).max(64).nullable(),
});
export type ProcessSpec = z.infer<typeof processSpec>;

/** What the engine runs: `id` is the engine's content id, `ref` what a person would call it. */
export const image = z.strictObject({
  id: digest,
  ref: z.string().max(512),
  sizeBytes: z.number().int().nonnegative(),
  /** TCP ports that the image EXPOSEs, ascending. */
  exposedPorts: z.array(z.number().int().min(1).max(65_535)).max(64),
  /** Set where the image came from a registry: the way to get it again. */
  repoDigest: z.string().max(600).nullable(),
});
export type Image = z.infer<typeof image>;

/** An image reference with an optional registry, tag or digest, as the engine parses it. */
export const imageRef = z
  .string()
  .max(400)
  .regex(
    /^(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::\d{1,5})?\/)?[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?:@sha256:[0-9a-f]{64})?$/,
    'an image reference such as registry.example.com/team/app:1.2',
  );

/** What a build is made from: a tar archive in the source store, or an image that exists already. */
export const source = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('archive'),
    digest,
    via: z.enum(['git', 'upload']),
    commit: z
      .string()
      .regex(/^[0-9a-f]{40,64}$/)
      .nullable(),
    branch: z.string().max(250).nullable(),
  }),
  z.strictObject({ kind: z.literal('image'), ref: imageRef }),
]);
export type Source = z.infer<typeof source>;

/** What `web` speaks on its port: HTTP/1.1, or HTTP/2 without TLS (h2c), as gRPC needs it. */
export const WEB_PROTOCOLS = ['http', 'h2c'] as const;
export type WebProtocol = (typeof WEB_PROTOCOLS)[number];

/** Limits and timings of an app; every field has a default in libs/domain. */
export const settings = z.strictObject({
  /** Container port of `web`; null: the image's single EXPOSEd TCP port, else 8080. */
  port: z.number().int().min(1).max(65_535).nullable(),
  /** What `web` speaks there. */
  protocol: z.enum(WEB_PROTOCOLS),
  /** HTTP path that must answer 2xx or 3xx; null: a TCP check. */
  healthPath: urlPath.nullable(),
  /** Seconds an instance may take to become ready. */
  startTimeoutSeconds: z.number().int().min(1).max(3600),
  /** Seconds a whole rollout may take. */
  rolloutTimeoutSeconds: z.number().int().min(5).max(86_400),
  /** Seconds that requests under way may take after routing ended. */
  drainSeconds: z.number().int().min(0).max(3600),
  /** Seconds between SIGTERM and SIGKILL. */
  graceSeconds: z.number().int().min(0).max(3600),
  /** Releases kept for rollback. */
  releasesKept: z.number().int().min(1).max(100),
  ...strategySettings,
  ...limitShape,
  ...containerShape,
});
export type Settings = z.infer<typeof settings>;

/** Instances wanted per process type. */
export const formation = z.record(processType, z.number().int().min(0).max(100));
export type Formation = z.infer<typeof formation>;

/** A command of an app that is run at certain times. */
export const cronJob = z.strictObject({
  /** Five fields: minute, hour, day of month, month, day of week. */
  schedule: z.string().min(1).max(200),
  /** By which clock: a name of the IANA database. */
  timeZone: z.string().min(1).max(64),
  command: z.array(z.string().max(4096)).min(1).max(64),
  /** When one is due while another one still runs: both run, the new one is left out, or it replaces the old one. */
  overlap: z.enum(['allow', 'forbid', 'replace']),
  /** When due times passed and nobody was there to start it: none of them is made up for, or one. */
  missed: z.enum(['skip', 'once']),
  /** How long a run may take; null: as long as it wants. */
  timeoutSeconds: z.number().int().min(1).max(604_800).nullable(),
});
export type CronJob = z.infer<typeof cronJob>;

/** Why something did not work, in the order in which a person asks. */
export const explanation = z.strictObject({
  /** Stable word for programs: `build-failed`, `exited`, `out-of-memory`, `not-listening`, `wrong-address`, … */
  code: z.string().max(64),
  /** One sentence that a person can act on. */
  summary: z.string().max(2000),
  /** What would fix it. */
  remedy: z.string().max(2000).nullable(),
  /** What was tried, for how long. */
  tried: z.string().max(2000).nullable(),
  /** What the probe got. */
  probe: z.string().max(2000).nullable(),
  /** Addresses the instance listens on, as `address:port`. */
  listening: z.array(z.string().max(64)).max(32),
  exitCode: z.number().int().nullable(),
  oomKilled: z.boolean(),
  instanceId: id.nullable(),
  /** Last lines the instance or the build wrote; config values are blotted out. */
  logLines: z.array(z.string().max(2000)).max(50),
});
export type Explanation = z.infer<typeof explanation>;
