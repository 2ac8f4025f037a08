import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Bus, Frame, Session } from '@shiplog/bus';
import { releaseRunIdOf, type KnownCronJob } from '@shiplog/domain';
import { connectEngine } from '@shiplog/engine';
import type { DomainEventUnion, RunEvent } from '@shiplog/events';
import type { RunningProcess } from '@shiplog/runtime';
import { startDeployer } from './index.js';
import { busyboxImage } from './testing/busybox-image.js';
import { cleanUp } from './testing/clean-up.js';
import { testPlatform, type TestPlatform } from './testing/test-platform.js';
import { waitFor } from './testing/wait-for.js';

const docker = connectEngine();
const APP = 'runner';
const TEAM = { shared: true, sizeBytes: 2 ** 30, baseVersion: null } as const;
const serve = { command: ['sh', '-c', 'httpd -f -p 0.0.0.0:8080 -h /www'] };
/** Says which signal came, takes its time, and ends with a code of its own. */
const POLITE = 'trap "echo got TERM; exit 4" TERM; echo begun; while true; do sleep 0.1; done';

let platform: TestPlatform;
let deployer: RunningProcess;
let bus: Bus;
let image: { id: string };
/** Everything that was recorded, in its order. */
const recorded: DomainEventUnion[] = [];
beforeAll(async () => {
  image = { id: await busyboxImage(docker) };
  platform = await testPlatform({ from: 22_800, to: 22_899 });
  bus = platform.bus();
  platform.feed.onBatch((batch) => {
    for (const { commit } of batch) recorded.push(...commit.events);
  });
  await platform.startRouter();
  deployer = await startDeployer(platform.context());
  await platform.createApp(APP);
  // What a release command leaves has to be there for the release.
  const volume = { volumeId: 'vol_1', name: 'files', path: '/files', processes: ['web'], ...TEAM };
  await platform.app(APP, { type: 'AddVolume', ...volume });
});
afterAll(async () => {
  await deployer.stop();
  await bus.close();
  await cleanUp(docker, platform.config.platform);
  await platform.end();
});

const release = (...command: string[]) =>
  platform.deploy(APP, { image, processes: { web: serve, release: { command } } });
const history = async (runId: string): Promise<RunEvent[]> =>
  (await platform.log.read(`run.${runId}`)).flatMap(({ commit }) => commit.events as RunEvent[]);
const typesOf = async (runId: string) => (await history(runId)).map(({ type }) => type);
const endOf = (runId: string) =>
  waitFor(`the end of ${runId}`, async () => {
    const last = (await history(runId)).at(-1);
    return last?.type === 'RunEnded' && last.data;
  });
const startOf = (runId: string) =>
  waitFor(`the start of ${runId}`, () => platform.world.run(runId)?.status === 'started');
const collect = (session: Session): Frame[] => {
  const frames: Frame[] = [];
  session.onFrame((frame) => frames.push(frame));
  return frames;
};
const textOf = (frames: readonly Frame[]): string =>
  frames
    .map(({ kind, bytes }) => (kind === 'stdout' ? Buffer.from(bytes ?? []).toString() : ''))
    .join('');
const isScheduledOf =
  (version: number) =>
  (event: DomainEventUnion): boolean =>
    event.type === 'InstanceScheduled' && event.data.version === version;
/** Signals count from when the program handles them. */
const said = (runId: string, text: string) =>
  waitFor(`${runId} to say ${text}`, async () => {
    const id = platform.world.run(runId)?.containerId ?? '';
    return (await docker.getContainer(id).logs({ stdout: true })).toString('utf8').includes(text);
  });
const ask = { appId: APP, context: { actor: { kind: 'user', id: 'u1', name: 'ann' } } } as const;

it('the command of a release runs once, before anything of it, with what it will have', async () => {
  const rollout = await release('sh', '-c', 'echo $SHIPLOG_RELEASE > /files/migrated; echo done');
  expect(await platform.ended(rollout)).toMatchObject({ status: 'completed' });
  const runId = releaseRunIdOf(rollout);
  expect(await typesOf(runId)).toEqual(['RunScheduled', 'RunStarted', 'RunEnded']);
  expect(await endOf(runId)).toMatchObject({ outcome: 'succeeded', exitCode: 0 });
  const ended = recorded.findIndex(({ type }) => type === 'RunEnded');
  expect(recorded.findIndex(isScheduledOf(1))).toBeGreaterThan(ended);
  const [{ instanceId } = { instanceId: '' }] = platform.open(APP);
  const seen = await bus.open('deployer', 'exec', {
    ...{ instanceId, command: ['cat', '/files/migrated'] },
    ...{ tty: false, columns: 80, rows: 24 },
  });
  const frames = collect(seen);
  await seen.ended;
  expect(textOf(frames)).toBe('v1\n');
});

it('one that fails stops its deploy with its last lines, and what serves goes on', async () => {
  const before = platform.open(APP);
  const rollout = await release('sh', '-c', 'echo no such table; exit 3');
  expect(await platform.ended(rollout)).toMatchObject({
    status: 'failed',
    explanation: { code: 'release-command-failed', exitCode: 3, logLines: ['no such table'] },
  });
  expect(platform.open(APP)).toEqual(before);
  expect(recorded.filter(isScheduledOf(2))).toEqual([]);
});

it('one whose deploy is cancelled is told to end, and that is told', async () => {
  const rolloutId = await release('sh', '-c', POLITE);
  const runId = releaseRunIdOf(rolloutId);
  await startOf(runId);
  await said(runId, 'begun');
  await platform.app(APP, { type: 'CancelRollout', rolloutId });
  expect(await platform.ended(rolloutId)).toMatchObject({ status: 'cancelled' });
  expect(await endOf(runId)).toMatchObject({
    ...{ outcome: 'stopped', cause: 'deploy-ended', exitCode: 4 },
    logLines: ['begun', 'got TERM'],
  });
  expect(recorded.filter(isScheduledOf(3))).toEqual([]);
});

it('a job runs on demand, in the release that serves, and again beside its history', async () => {
  const job: KnownCronJob = {
    schedule: '0 3 1 1 *',
    timeZone: 'UTC',
    overlap: 'forbid',
    missed: 'skip',
    command: ['sh', '-c', 'echo $SHIPLOG_RELEASE $SHIPLOG_CRON_JOB; ls /files; exit 6'],
    timeoutSeconds: null,
    since: new Date().toISOString(),
  };
  await platform.app(APP, { type: 'SetCronJob', job: 'tidy', ...job });
  const runs: string[] = [];
  for (const n of [1, 2]) {
    const { runId } = (await bus.request('deployer', 'run-job', { ...ask, job: 'tidy' })) as {
      runId: string;
    };
    runs.push(runId);
    expect(await endOf(runId)).toMatchObject({
      ...{ outcome: 'failed', exitCode: 6, oomKilled: false },
      logLines: ['v1 tidy', 'migrated'],
    });
    expect(new Set(runs).size).toBe(n);
  }
  const ofJob = recorded.flatMap(({ type, data }) =>
    type === 'RunScheduled' && data.job === 'tidy' ? data.runId : [],
  );
  expect(ofJob).toEqual(runs);
});

it('a detached run is in the history, ends on demand by SIGTERM, and is not started again', async () => {
  const session = await bus.open('deployer', 'run', {
    ...{ appId: APP, command: ['sh', '-c', POLITE], detach: true },
  });
  const frames = collect(session);
  await session.ended;
  const runId = String(frames.find(({ kind }) => kind === 'exit')?.head?.['name']);
  await startOf(runId);
  expect(await history(runId)).toMatchObject([
    // What was typed may have secrets in it.
    { type: 'RunScheduled', data: { kind: 'command', detached: true, command: null, version: 1 } },
    { type: 'RunStarted' },
  ]);
  await said(runId, 'begun');
  await bus.request('deployer', 'stop-run', { ...ask, runId });
  expect(await endOf(runId)).toMatchObject({
    ...{ outcome: 'stopped', cause: 'asked', exitCode: 4 },
    logLines: ['begun', 'got TERM'],
  });
  expect(await typesOf(runId)).toEqual(['RunScheduled', 'RunStarted', 'RunStopping', 'RunEnded']);
  await expect(bus.request('deployer', 'stop-run', { ...ask, runId })).rejects.toMatchObject({
    code: 'run-not-open',
  });
});

it('one that does not heed SIGTERM is killed after the grace period', async () => {
  const session = await bus.open('deployer', 'run', {
    ...{ appId: APP, detach: true },
    command: ['sh', '-c', 'trap "" TERM; echo begun; while true; do sleep 0.1; done'],
  });
  const frames = collect(session);
  await session.ended;
  const runId = String(frames.find(({ kind }) => kind === 'exit')?.head?.['name']);
  await startOf(runId);
  await said(runId, 'begun');
  await bus.request('deployer', 'stop-run', { ...ask, runId });
  expect(await endOf(runId)).toMatchObject({ outcome: 'stopped', exitCode: 137 });
});
