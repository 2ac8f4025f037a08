import { PassThrough, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { engineStatus } from '@shiplog/engine';
import { linesOf } from '@shiplog/runtime';
import type Docker from 'dockerode';
import { BackupError } from '../backup-error.js';
import type { ImageEngine } from './image-engine.port.js';

/** Docker, or what speaks its API. */
export class DockerImageEngine implements ImageEngine {
  constructor(private readonly docker: Docker) {}

  tagsOf(imageId: string): Promise<readonly string[] | undefined> {
    return asking(`inspecting image ${imageId}`, async () => {
      try {
        const { RepoTags } = await this.docker.getImage(imageId).inspect();
        return (RepoTags ?? []).filter((tag) => !tag.includes('<none>'));
      } catch (error) {
        if (engineStatus(error) === 404) return undefined;
        throw error;
      }
    });
  }

  save(imageId: string): Promise<Readable> {
    return asking(`saving image ${imageId}`, async () => {
      const archive = await this.docker.getImage(imageId).get();
      // `wrap` loses the end of it now and then.
      return archive instanceof Readable ? archive : new PassThrough().end(await buffer(archive));
    });
  }

  load(archive: Readable): Promise<void> {
    return asking('loading an image', async () => {
      const answer = await this.docker.loadImage(archive, { quiet: true });
      // It says 200 before it has read anything; what went wrong stands in a line of the answer.
      for await (const line of linesOf(answer)) {
        const said = JSON.parse(line) as { error?: string };
        if (said.error !== undefined) throw new Error(said.error);
      }
    });
  }

  tag(imageId: string, ref: string): Promise<void> {
    return asking(`naming image ${imageId}`, async () => {
      const at = ref.lastIndexOf(':');
      await this.docker.getImage(imageId).tag({ repo: ref.slice(0, at), tag: ref.slice(at + 1) });
    });
  }
}

const asking = async <T>(doing: string, work: () => Promise<T>): Promise<T> => {
  try {
    return await work();
  } catch (cause) {
    throw new BackupError('engine-unavailable', doing, { cause });
  }
};
