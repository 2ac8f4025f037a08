import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { fileURLToPath } from 'node:url';
import type Docker from 'dockerode';
import { pack } from 'tar-stream';

/**
 * Makes an image of nothing but one static program that listens on port 80, under the name given
 * (`repository:tag`). Needs gcc on this machine, and no registry.
 */
export const makeNoShellImage = async (
  engine: Docker,
  repository: string,
  tag: string,
): Promise<void> => {
  const directory = await mkdtemp(join(tmpdir(), 'no-shell-'));
  const program = join(directory, 'server');
  try {
    const source = fileURLToPath(new URL('./server.c', import.meta.url));
    await promisify(execFile)('gcc', ['-static', '-O2', '-o', program, source]);
    const context = pack();
    context.entry(
      { name: 'Dockerfile' },
      'FROM scratch\nCOPY server /server\nEXPOSE 80\nENTRYPOINT ["/server"]\n',
    );
    context.entry({ name: 'server', mode: 0o755 }, await readFile(program));
    context.finalize();
    const stream = await engine.buildImage(context as unknown as NodeJS.ReadableStream, {
      t: `${repository}:${tag}`,
      forcerm: true,
    });
    const problem = await new Promise<string | undefined>((resolve, reject) => {
      engine.modem.followProgress(stream, (error: Error | null, messages: { error?: string }[]) =>
        error === null || error === undefined
          ? resolve(messages.find((message) => message.error !== undefined)?.error)
          : reject(error),
      );
    });
    if (problem !== undefined) throw new Error(problem);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
};

/** The same program in an image that nothing else shares: once removed, it cannot be had again. */
export const makeOnlyImage = async (
  engine: Docker,
  repository: string,
  tag: string,
): Promise<void> => {
  await makeNoShellImage(engine, `${repository}-base`, tag);
  const container = await engine.createContainer({ Image: `${repository}-base:${tag}` });
  await container.commit({ repo: repository, tag, comment: `only ${Date.now()}` });
  await container.remove();
};
