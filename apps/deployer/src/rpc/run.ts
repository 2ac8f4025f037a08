import { randomBytes } from 'node:crypto';
import type Docker from 'dockerode';
import type { Session } from '@shiplog/bus';
import type { ActiveApp, Release } from '@shiplog/domain';
import { runSpec } from '../containers/container-spec.js';
import { EngineError } from '../containers/container-engine.port.js';
import type { DockerContainerEngine } from '../containers/docker-container-engine.js';
import { toEngineError } from '../containers/docker-translate.js';
import { decryptConfig, imageOf } from '../containers/instance-parts.js';
import type { Workbench } from '../containers/workbench.js';
import { ABANDONED_GRACE_SECONDS } from './abandoned-runs.js';
import type { RunInput } from './input.js';
import { mountsOfRuns } from '../volumes/mount-volumes.js';
import { RpcProblem, engineProblem } from './problem.js';
import { joinTerminal } from './terminal.js';

interface RunTools {
  readonly docker: Docker;
  readonly engine: DockerContainerEngine;
  readonly bench: Workbench;
  /** Names of the containers that a session is joined with. */
  readonly watched: Set<string>;
}

/** What was asked for, and with what it runs. */
interface Order {
  readonly runId: string;
  readonly app: ActiveApp;
  readonly release: Release;
  readonly input: RunInput;
}

/**
 * A one-off command of the live release in a container of its own. That it was started and how it ended is
 * recorded as of every run; the command itself is not, where somebody typed it. The engine removes an
 * attached container at its end, whatever becomes of us meanwhile. A detached one stays for its log, until
 * it is collected.
 */
export const runOneOff = async (
  tools: RunTools,
  input: RunInput,
  session: Session,
): Promise<void> => {
  const { bench } = tools;
  const order = orderOf(tools, input);
  const { runId } = order;
  // Until it is started, and to its end where it is attached, nobody else decides about it.
  bench.joined.add(runId);
  try {
    await create(tools, order, session);
  } catch (error) {
    if (error instanceof RpcProblem) throw error;
    throw engineProblem(toEngineError('running a one-off command', error));
  } finally {
    bench.joined.delete(runId);
    bench.nudge(order.app.appId);
  }
};

const create = async (tools: RunTools, order: Order, session: Session): Promise<void> => {
  const { docker, bench, watched, engine } = tools;
  const { input } = order;
  const spec = await specOf(tools, order);
  watched.add(spec.name);
  try {
    await schedule(bench, order);
    const options = await engine.createOptions(spec);
    const container = await docker.createContainer({
      ...options,
      Tty: input.tty && !input.detach,
      OpenStdin: !input.detach,
      StdinOnce: !input.detach,
      ...(input.tty ? { Env: [...(options.Env ?? []), 'TERM=xterm-256color'] } : {}),
      HostConfig: { ...options.HostConfig, AutoRemove: !input.detach },
    });
    try {
      await engine.volumes.verify(spec);
      await (input.detach ? detached : attached)(container, { tools, order, session });
    } catch (error) {
      // Nobody will hear from it: it must not stay, created or running.
      await container.remove({ force: true }).catch(() => undefined);
      throw error;
    }
  } catch (error) {
    if (error instanceof RpcProblem) throw error;
    const said = toEngineError('running a one-off command', error);
    const refused = await tools.engine.resources.explain(spec, said);
    await refuse(bench, order, refused);
    throw refused;
  } finally {
    watched.delete(spec.name);
  }
};

interface Running {
  readonly tools: RunTools;
  readonly order: Order;
  readonly session: Session;
}

/** It goes by its id: its log is read under it, and what it came to is listed. */
const told = (session: Session, runId: string): void => {
  session.send({ kind: 'exit', head: { exitCode: 0, detached: true, name: runId } });
  session.end();
};

const detached = async (
  container: Docker.Container,
  { tools, order, session }: Running,
): Promise<void> => {
  await container.start();
  await recordStarted(tools, order, container.id);
  told(session, order.runId);
};

const attached = async (
  container: Docker.Container,
  { tools, order, session }: Running,
): Promise<void> => {
  const { input } = order;
  const stream = await container.attach({
    stream: true,
    stdin: true,
    stdout: true,
    stderr: true,
    hijack: true,
  });
  // Asked before the start: afterwards the container may be gone already.
  const exit = container.wait({ condition: 'next-exit' }) as Promise<{ StatusCode: number }>;
  exit.catch(() => undefined);
  await container.start();
  const recorded = recordStarted(tools, order, container.id).catch(() => undefined);
  const resize = ({ columns, rows }: { columns: number; rows: number }) =>
    container.resize({ w: columns, h: rows });
  if (input.tty) await resize(input).catch(() => undefined);
  const how = await joinTerminal(session, stream, { tty: input.tty, resize });
  if (how === 'abandoned') {
    stream.end();
    await recorded;
    await stopAbandoned(tools.bench, order);
    await container.stop({ t: ABANDONED_GRACE_SECONDS }).catch(() => undefined);
    await recordEnded(tools.bench, order, await codeOf(exit));
    return;
  }
  const exitCode = (await exit).StatusCode;
  session.send({ kind: 'exit', head: { exitCode } });
  session.end();
  await recorded;
  await recordEnded(tools.bench, order, exitCode);
};

const codeOf = (exit: Promise<{ StatusCode: number }>): Promise<number | null> =>
  exit.then(
    ({ StatusCode }) => StatusCode,
    () => null,
  );

const schedule = async (bench: Workbench, order: Order): Promise<void> => {
  const { runId, app, release, input } = order;
  await bench.record(
    'run',
    { id: runId, appId: app.appId },
    {
      type: 'ScheduleRun',
      runId,
      appId: app.appId,
      kind: 'command',
      version: release.version,
      nodeId: bench.context.config.nodeId,
      command: null,
      rolloutId: null,
      job: null,
      scheduledFor: null,
      missed: 0,
      timeoutSeconds: null,
      detached: input.detach,
    },
  );
};

const recordStarted = async (
  { bench }: RunTools,
  { runId, app }: Order,
  containerId: string,
): Promise<void> => {
  // Seen before others decide about it: what the engine tells of it may come later, and a run without a container is
  // lost. An attached one may have ended and be gone by now: then it began just now.
  const container = await bench.view.look(containerId).catch(() => undefined);
  const startedAt = container?.startedAt ?? new Date(bench.nowMs()).toISOString();
  await bench.record(
    'run',
    { id: runId, appId: app.appId },
    { type: 'RecordRunStarted', containerId, startedAt },
  );
};

const stopAbandoned = (bench: Workbench, { runId, app }: Order): Promise<boolean> =>
  bench.record('run', { id: runId, appId: app.appId }, { type: 'StopRun', cause: 'abandoned' });

/** What an attached one wrote was seen by who was there; a terminal's screen is no log. */
const recordEnded = (
  bench: Workbench,
  { runId, app }: Order,
  exitCode: number | null,
): Promise<boolean> =>
  bench.record(
    'run',
    { id: runId, appId: app.appId },
    {
      type: 'EndRun',
      outcome: exitCode === null ? 'lost' : exitCode === 0 ? 'succeeded' : 'failed',
      exitCode,
      oomKilled: false,
      cause: null,
      detail: null,
      endedAt: new Date(bench.nowMs()).toISOString(),
      logLines: [],
    },
  );

const refuse = async (bench: Workbench, { runId, app }: Order, error: unknown): Promise<void> => {
  if (bench.context.world.run(runId) === undefined) await bench.context.feed.catchUp();
  const { code, said } = toEngineError('running a one-off command', error);
  await bench
    .record(
      'run',
      { id: runId, appId: app.appId },
      {
        type: 'EndRun',
        outcome: 'refused',
        exitCode: null,
        oomKilled: false,
        cause: code,
        detail: said.slice(0, 2000),
        endedAt: null,
        logLines: [],
      },
    )
    .catch(() => undefined);
};

const orderOf = ({ bench }: RunTools, input: RunInput): Order => {
  const { world } = bench.context;
  const app = world.app(input.appId);
  if (app === undefined) throw new RpcProblem('app-not-found', 'there is no such app');
  const live = world.liveOf(app.appId);
  if (live === null) {
    throw new RpcProblem('nothing-deployed', `${app.name} has no release that ever went live`);
  }
  const runId = `run-${randomBytes(5).toString('hex')}`;
  return { runId, app, release: live.release, input };
};

const specOf = async ({ bench }: RunTools, { runId, app, release, input }: Order) => {
  const { world, config } = bench.context;
  const image = imageOf(world, release);
  if (!(await bench.engine.hasImage(image.id))) {
    throw new EngineError(
      'image-missing',
      'running a one-off command',
      `image ${image.ref} is not on this machine`,
    );
  }
  return runSpec({
    mounts: await mountsOfRuns(bench, { app, imageId: image.id }),
    platform: config,
    app,
    release,
    image,
    config: await decryptConfig(bench.keyring, app, release),
    runId,
    command: input.command,
    env: input.env,
    isDetached: input.detach,
    process: 'run',
  });
};
