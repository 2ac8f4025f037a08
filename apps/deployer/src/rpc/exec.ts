import { readFile } from 'node:fs/promises';
import type Docker from 'dockerode';
import type { Session } from '@shiplog/bus';
import { toEngineError } from '../containers/docker-translate.js';
import type { ExecInput } from './input.js';
import { RpcProblem, engineProblem } from './problem.js';
import { joinTerminal } from './terminal.js';

interface ExecTarget {
  readonly docker: Docker;
  /** The running container of an instance; undefined when there is none. */
  readonly containerOf: (instanceId: string) => { id: string; isRunning: boolean } | undefined;
}

/** Runs a command inside a running instance and joins it with the session; ends with its exit code. */
export const execInInstance = async (
  { docker, containerOf }: ExecTarget,
  input: ExecInput,
  session: Session,
): Promise<void> => {
  const container = containerOf(input.instanceId);
  if (container === undefined) {
    throw new RpcProblem(
      'instance-not-found',
      `there is no instance ${input.instanceId}; shiplog ps shows them`,
    );
  }
  if (!container.isRunning) {
    throw new RpcProblem(
      'instance-not-running',
      `instance ${input.instanceId} does not run just now`,
    );
  }
  try {
    const exec = await docker.getContainer(container.id).exec({
      Cmd: [...input.command],
      AttachStdin: true,
      AttachStdout: true,
      AttachStderr: true,
      Tty: input.tty,
      ...(input.tty ? { Env: ['TERM=xterm-256color'] } : {}),
    });
    const stream = await exec.start({ hijack: true, stdin: true, Tty: input.tty });
    const resize = ({ columns, rows }: { columns: number; rows: number }) =>
      exec.resize({ w: columns, h: rows });
    // The terminal exists only once the command runs; a size that comes too early is sent again by the client.
    if (input.tty) await resize(input).catch(() => undefined);
    const how = await joinTerminal(session, stream, { tty: input.tty, resize });
    if (how === 'abandoned') {
      stream.destroy();
      await hangUp(exec, container.id);
      return;
    }
    const { ExitCode } = await exec.inspect();
    session.send({ kind: 'exit', head: { exitCode: ExitCode ?? -1 } });
    session.end();
  } catch (error) {
    if (error instanceof RpcProblem) throw error;
    throw engineProblem(toEngineError(`running a command in instance ${input.instanceId}`, error));
  }
};

/** Nobody watches any more: the command is told as a terminal would, where its process is ours to see. */
const hangUp = async (exec: Docker.Exec, containerId: string): Promise<void> => {
  const { Running, Pid } = await exec.inspect();
  if (!Running || Pid <= 0) return;
  const cgroup = await readFile(`/proc/${Pid}/cgroup`, 'utf8').catch(() => '');
  // In another pid namespace the number is some other process.
  if (!cgroup.includes(containerId)) return;
  process.kill(Pid, 'SIGHUP');
};
