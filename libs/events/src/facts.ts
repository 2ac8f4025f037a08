import { z } from 'zod';
import { certificatesApplied } from './certificates.js';
import { defineEvent } from './event.js';
import { digest, id, processType } from './ids.js';
import { rolloutStrategy } from './strategy.js';
import { limits } from './resources.js';
import { explanation, image, processSpec, WEB_PROTOCOLS } from './values.js';

const generation = z.number().int().min(1);
const version = z.number().int().min(1);

/** What the builder observed. */
export const buildEvent = z.discriminatedUnion('type', [
  defineEvent('BuildStarted', 1, { buildId: id, appId: id, sourceDigest: digest.nullable() }),
  defineEvent('BuildSucceeded', 1, {
    buildId: id,
    appId: id,
    image,
    processes: z.record(processType, processSpec),
    stack: z.enum(['dockerfile', 'node', 'image']),
    durationMs: z.number().int().nonnegative(),
  }),
  defineEvent('BuildFailed', 1, { buildId: id, appId: id, explanation }),
  defineEvent('BuildCancelled', 1, { buildId: id, appId: id }),
  /** The image had gone and was made again from the kept source; its id may differ. */
  defineEvent('ImageRebuilt', 1, { buildId: id, appId: id, image }),
  /** The image is gone and cannot be made or pulled again. */
  defineEvent('ImageLost', 1, { buildId: id, appId: id, explanation }),
]);
export type BuildEvent = z.infer<typeof buildEvent>;

/** What the deployer did to bring one generation of an app live. */
export const rolloutEvent = z.discriminatedUnion('type', [
  defineEvent('RolloutStarted', 1, {
    rolloutId: id,
    appId: id,
    generation,
    version,
    fromVersion: version.nullable(),
    deadline: z.iso.datetime(),
  }),
  /** Together with its start, where it does not bring all new instances at once. */
  defineEvent('RolloutStrategySet', 2, {
    rolloutId: id,
    appId: id,
    generation,
    version,
    strategy: rolloutStrategy,
  }),
  /** A batch serves, or another share of the requests goes to the new instances. */
  defineEvent('RolloutStepped', 1, {
    rolloutId: id,
    appId: id,
    generation,
    version,
    /** 1 for the first step. */
    step: z.number().int().min(1).max(1000),
    /** Of the instances (rolling), else of the requests. */
    percent: z.number().int().min(0).max(100),
    /** What follows waits from this time on. */
    at: z.iso.datetime(),
  }),
  defineEvent('RolloutCompleted', 1, { rolloutId: id, appId: id, generation, version }),
  defineEvent('RolloutFailed', 1, { rolloutId: id, appId: id, generation, version, explanation }),
  defineEvent('RolloutCancelled', 1, {
    rolloutId: id,
    appId: id,
    generation,
    version,
    cause: z.enum(['asked', 'superseded', 'app-stopped', 'app-destroyed']),
  }),
]);
export type RolloutEvent = z.infer<typeof rolloutEvent>;

/** The life of one container, as the deployer saw it. */
export const instanceEvent = z.discriminatedUnion('type', [
  /** Written before the container is created: a retry finds its own work by the instance id. */
  defineEvent('InstanceScheduled', 2, {
    instanceId: id,
    appId: id,
    process: processType,
    version,
    generation,
    nodeId: id,
    /** Host port on 127.0.0.1; null where nothing is published (no `web`). */
    port: z.number().int().min(1).max(65_535).nullable(),
    containerPort: z.number().int().min(1).max(65_535).nullable(),
    /** What it speaks on its port, as the settings said when it was made. */
    protocol: z.enum(WEB_PROTOCOLS),
    /** Its own in the team's network, for as long as it lives; null where the engine chooses one at each start. */
    address: z.ipv4().nullable().optional(),
  }),
  defineEvent('InstanceStarted', 1, {
    instanceId: id,
    appId: id,
    containerId: z.string().regex(/^[0-9a-f]{12,64}$/),
    /** 0 at the first start, then one more for each start of the same instance. */
    restarts: z.number().int().nonnegative(),
    /** The engine's own time of this start: tells one run of a container from the next. */
    startedAt: z.iso.datetime().optional(),
  }),
  defineEvent('InstanceReady', 1, {
    instanceId: id,
    appId: id,
    /** `direct`: a connection to its address and container port was accepted. Absent: on its host port only. */
    reach: z.enum(['direct', 'published']).optional(),
  }),
  /** It passed this health check for the first time: from now on the check can fail. */
  defineEvent('InstanceCheckPassed', 1, { instanceId: id, appId: id, check: z.string().max(600) }),
  /** It runs and is asked on; no new request goes to it until it is ready again. */
  defineEvent('InstanceUnready', 1, {
    instanceId: id,
    appId: id,
    /** readiness: that check failed. liveness: that one did, and it is started again. paused: somebody froze its container. */
    cause: z.enum(['readiness', 'liveness', 'paused']),
    /** What was asked; empty where nothing was. */
    check: z.string().max(600),
    /** The last answer; config values are blotted out. */
    got: z.string().max(500),
  }),
  defineEvent('InstanceExited', 1, {
    instanceId: id,
    appId: id,
    exitCode: z.number().int().nullable(),
    oomKilled: z.boolean(),
    /** Last lines before the end: they outlive the container. */
    logLines: z.array(z.string().max(2000)).max(50),
  }),
  /** Its running container has these limits now. `drift`: somebody else had changed them. */
  defineEvent('InstanceResized', 1, {
    instanceId: id,
    appId: id,
    limits,
    cause: z.enum(['asked', 'drift']),
  }),
  /** It keeps the limits it has: they are tried again, and a new container has them. */
  defineEvent('InstanceResizeRefused', 1, {
    instanceId: id,
    appId: id,
    limits,
    code: z.enum(['in-use', 'unsupported', 'engine-refused']),
    summary: z.string().max(2000),
  }),
  /** Its container was sent a signal, by us at its end or by somebody outside. */
  defineEvent('InstanceSignalled', 1, {
    instanceId: id,
    appId: id,
    /** `SIGTERM` (or what the image asks for) first; `SIGKILL` when the grace period was over. */
    signal: z.string().regex(/^SIG[A-Z0-9+]{1,16}$/),
    /** How long it has before SIGKILL, where we sent it. */
    graceSeconds: z.number().int().nonnegative().nullable(),
    /** The engine's own time. */
    at: z.iso.datetime(),
  }),
  /** Its place is needed no more: routers take it out, then it is stopped. */
  defineEvent('InstanceRetired', 1, {
    instanceId: id,
    appId: id,
    reason: z.enum(['superseded', 'scaled-down', 'stopped', 'destroyed', 'rollout-failed', 'lost']),
  }),
  defineEvent('InstanceStopped', 1, {
    instanceId: id,
    appId: id,
    exitCode: z.number().int().nullable(),
    /** SIGKILL was needed after the grace period. */
    killed: z.boolean(),
  }),
]);
export type InstanceEvent = z.infer<typeof instanceEvent>;

/** What one router serves. Instances are named by id; what is not named here did not change. */
export const routerEvent = z.discriminatedUnion('type', [
  defineEvent('RouterStarted', 1, { routerId: id, kind: z.enum(['haproxy', 'nginx']) }),
  defineEvent('RoutesApplied', 1, {
    routerId: id,
    /** Log position up to which the routes are those of the log. */
    position: z.string().regex(/^\d{20}$/),
    /** Instances that were put into routing, read back and confirmed. */
    routed: z.array(id),
    /** Instances taken out: no new request reaches them. */
    unrouted: z.array(id),
    /** Instances whose last request ended, or whose drain deadline passed. */
    drained: z.array(id),
  }),
  /**
   * Read back where it changed: an instance's part of its app's requests, relative to the others. 0: it
   * could serve and gets none. 1 where nothing was ever said.
   */
  defineEvent('RouteWeightsApplied', 1, {
    routerId: id,
    weights: z.record(id, z.number().int().min(0).max(256)),
  }),
  certificatesApplied,
  defineEvent('RouterRemoved', 1, { routerId: id }),
]);
export type RouterEvent = z.infer<typeof routerEvent>;

export const nodeEvent = z.discriminatedUnion('type', [
  defineEvent('NodeObserved', 1, {
    nodeId: id,
    hostname: z.string().max(253),
    cpus: z.number().min(0),
    memoryBytes: z.number().int().nonnegative(),
    engineVersion: z.string().max(64),
    cgroupVersion: z.enum(['1', '2', 'hybrid']),
  }),
]);
export type NodeEvent = z.infer<typeof nodeEvent>;

export const garbageEvent = z.discriminatedUnion('type', [
  defineEvent('GarbageCollected', 1, {
    nodeId: id,
    items: z
      .array(
        z.strictObject({
          kind: z.enum(['container', 'image', 'network']),
          /** The engine's id. */
          id: z.string().max(128),
          appId: id.nullable(),
          reason: z.string().max(200),
          bytes: z.number().int().nonnegative().nullable(),
        }),
      )
      .min(1)
      .max(500),
  }),
  defineEvent('GarbagePolicyChanged', 1, {
    nodeId: id,
    exitedKept: z.number().int().min(0).max(1000),
    minimumAgeSeconds: z.number().int().min(0),
  }),
]);
export type GarbageEvent = z.infer<typeof garbageEvent>;
