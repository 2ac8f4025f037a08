import { randomBytes } from 'node:crypto';
import type Docker from 'dockerode';
import type { Session } from '@shiplog/bus';
import { runSpec } from '../containers/container-spec.js';
import { EngineError } from '../containers/container-engine.port.js';
import type { DockerContainerEngine } from '../containers/docker-container-engine.js';
import { toEngineError } from '../containers/docker-translate.js';
import { decryptConfig, imageOf } from '../containers/instance-parts.js';
import type { Workbench } from '../containers/workbench.js';
import { ABANDONED_GRACE_SECONDS } from './abandoned-runs.js';
import type { RunInput } from './input.js';
import { RpcProblem } from './problem.js';
import { joinTerminal } from './terminal.js';

interface RunTools {
  readonly docker: Docker;
  readonly engine: DockerContainerEngine;
  readonly bench: Workbench;
  /** Names of the containers that a session is joined with. */
  readonly watched: Set<string>;
}

/**
 * A one-off command of the live release in a container of its own. The engine removes the container
 * at its end, whatever becomes of us meanwhile. That of a detached one stays for its log, until it is
 * collected.
 */
export const runOneOff = async (
  tools: RunTools,
  input: RunInput,
  session: Session,
): Promise<void> => {
  const { docker, watched } = tools;
  const spec = await specOf(tools, input);
  watched.add(spec.name);
  try {
    const [entrypoint = '', ...rest] = input.command;
    const options = await tools.engine.createOptions(spec);
    const container = await docker.createContainer({
      ...options,
      // Exactly the command: an image's entrypoint is made for its server.
      Entrypoint: [entrypoint],
      Cmd: rest,
      Tty: input.tty && !input.detach,
      OpenStdin: !input.detach,
      StdinOnce: !input.detach,
      ...(input.tty ? { Env: [...(options.Env ?? []), 'TERM=xterm-256color'] } : {}),
      HostConfig: { ...options.HostConfig, AutoRemove: !input.detach },
    });
    try {
      await (input.detach ? detached : attached)(container, { input, session, name: spec.name });
    } catch (error) {
      // Nobody will hear from it: it must not stay, created or running.
      await container.remove({ force: true }).catch(() => undefined);
      throw error;
    }
  } catch (error) {
    if (error instanceof RpcProblem) throw error;
    const refused = toEngineError('running a one-off command', error);
    throw new RpcProblem(refused.code, refused.said);
  } finally {
    watched.delete(spec.name);
  }
};

interface Running {
  readonly input: RunInput;
  readonly session: Session;
  readonly name: string;
}

const detached = async (container: Docker.Container, { session, name }: Running): Promise<void> => {
  await container.start();
  session.send({ kind: 'exit', head: { exitCode: 0, detached: true, name } });
  session.end();
};

const attached = async (
  container: Docker.Container,
  { input, session }: Running,
): Promise<void> => {
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
  const resize = ({ columns, rows }: { columns: number; rows: number }) =>
    container.resize({ w: columns, h: rows });
  if (input.tty) await resize(input).catch(() => undefined);
  const how = await joinTerminal(session, stream, { tty: input.tty, resize });
  if (how === 'abandoned') {
    stream.end();
    await container.stop({ t: ABANDONED_GRACE_SECONDS }).catch(() => undefined);
    return;
  }
  session.send({ kind: 'exit', head: { exitCode: (await exit).StatusCode } });
  session.end();
};

const specOf = async ({ bench }: RunTools, input: RunInput) => {
  const { world, config } = bench.context;
  const app = world.app(input.appId);
  if (app === undefined) throw new RpcProblem('app-not-found', 'there is no such app');
  const live = world.liveOf(app.appId);
  if (live === null) {
    throw new RpcProblem('nothing-deployed', `${app.name} has no release that ever went live`);
  }
  const image = imageOf(world, live.release);
  if (!(await bench.engine.hasImage(image.id))) {
    throw new EngineError(
      'image-missing',
      'running a one-off command',
      `image ${image.ref} is not on this machine`,
    );
  }
  return runSpec({
    platform: config,
    app,
    release: live.release,
    image,
    config: await decryptConfig(bench.keyring, app, live.release),
    runId: `run-${randomBytes(5).toString('hex')}`,
    command: input.command,
    env: input.env,
    isDetached: input.detach,
  });
};
