import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { PassThrough } from 'node:stream';
import type Docker from 'dockerode';
import type { ExecResult } from './container-engine.port.js';

const OUTPUT_CHARACTERS_MAX = 200;
const TAIL_CHARACTERS_MAX = 16_384;

/** What the engine says where the command could not be run: in the output, with the exit code of a shell. */
const NOT_RUN = /exec failed: .*/s;

/** Runs a command in a container and collects the begin and the end of what it writes. */
export const execInContainer = async (
  docker: Docker,
  id: string,
  command: readonly string[],
  timeoutMs: number,
): Promise<ExecResult> => {
  const exec = await docker.getContainer(id).exec({
    Cmd: [...command],
    AttachStdout: true,
    AttachStderr: true,
  });
  const stream = await exec.start({});
  let output = '';
  const collect = (): { readonly into: PassThrough; tail: string } => {
    const written = { into: new PassThrough(), tail: '' };
    written.into.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(0, OUTPUT_CHARACTERS_MAX);
      written.tail = (written.tail + text).slice(-TAIL_CHARACTERS_MAX);
    });
    return written;
  };
  const [stdout, stderr] = [collect(), collect()];
  docker.modem.demuxStream(stream, stdout.into, stderr.into);
  const abort = new AbortController();
  const ended = new Promise<'ended'>((resolve) => {
    stream.once('end', () => resolve('ended')).once('close', () => resolve('ended'));
    stream.once('error', () => resolve('ended'));
  });
  const late = sleep(timeoutMs, 'late' as const, { signal: abort.signal }).catch(
    () => 'late' as const,
  );
  const how = await Promise.race([ended, late]);
  abort.abort();
  if (how === 'late') {
    stream.destroy();
    await kill(exec, id);
    return { exitCode: null, output, tail: tailOf(stdout.tail, stderr.tail) };
  }
  const { ExitCode } = await exec.inspect();
  const said = NOT_RUN.exec(output)?.[0];
  if (said !== undefined && (ExitCode === 126 || ExitCode === 127)) {
    throw Object.assign(new Error(said), { statusCode: 400, json: { message: said } });
  }
  return { exitCode: ExitCode ?? null, output, tail: tailOf(stdout.tail, stderr.tail) };
};

/** The engine keeps no order between the two: why a command failed stands at the end of stderr, and must not be lost above. */
const tailOf = (stdout: string, stderr: string): string =>
  stdout === '' || stdout.endsWith('\n') ? stdout + stderr : `${stdout}\n${stderr}`;

/** The engine has no word for it: where its process is ours to see it is killed, elsewhere it is left to its own end. */
const kill = async (exec: Docker.Exec, containerId: string): Promise<void> => {
  const { Running, Pid } = await exec.inspect();
  if (!Running || Pid <= 0) return;
  const cgroup = await readFile(`/proc/${Pid}/cgroup`, 'utf8').catch(() => '');
  if (!cgroup.includes(containerId)) return;
  try {
    process.kill(Pid, 'SIGKILL');
  } catch {
    // Ended in between, or not ours to signal.
  }
};
