import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { LABEL, engineStatus, ownedBy } from '@shiplog/engine';
import { describeError } from '@shiplog/runtime';
import type Docker from 'dockerode';
import { pack } from 'tar-stream';
import { BackupError } from '../backup-error.js';
import { VOLUME_ROOT, type VolumeEngine } from './volume-engine.port.js';

/** An image without a file: the container that holds a volume for us is never started. */
const HOLDER_IMAGE = { repo: 'shiplog-empty', tag: '1' };
const HOLDER_KIND = 'volume-copy';

/** An engine that gives no byte of an archive for so long is not going to. */
const STALLED_MS = 2 * 60_000;

/** Docker, or what speaks its API. It reads and writes the archive itself; nothing runs. */
export class DockerVolumeEngine implements VolumeEngine {
  constructor(
    private readonly docker: Docker,
    private readonly platform: string,
    private readonly stalledMs = STALLED_MS,
  ) {}

  has(volume: string): Promise<boolean> {
    return asking(`inspecting volume ${volume}`, async () => {
      const labels = await this.labelsOf(volume);
      return labels?.[LABEL.platform] === this.platform;
    });
  }

  read(volume: string): Promise<Readable> {
    const doing = `reading volume ${volume}`;
    return asking(doing, async () => {
      const holder = await this.hold(volume);
      try {
        const archive = await holder.getArchive({ path: `/${VOLUME_ROOT}` });
        return Readable.from(
          whileHeld(Readable.from(archive), { holder, doing, stalledMs: this.stalledMs }),
          { objectMode: false },
        );
      } catch (error) {
        await letGo(holder);
        throw error;
      }
    });
  }

  async create(volume: string, labels: Readonly<Record<string, string>>): Promise<void> {
    const doing = `creating volume ${volume}`;
    await asking(doing, async () => {
      await this.docker.createVolume({ Name: volume, Driver: 'local', Labels: { ...labels } });
      if (await this.has(volume)) return;
      throw new Error(`somebody else's volume is called ${volume}`);
    });
  }

  write(volume: string, archive: Readable): Promise<void> {
    return asking(`writing volume ${volume}`, async () => {
      const holder = await this.hold(volume);
      // What breaks the archive off is told, and not that the engine got half of one.
      let broken: Error | undefined;
      archive.once('error', (error) => (broken = error));
      try {
        await holder.putArchive(archive, { path: '/' });
      } catch (error) {
        if (broken === undefined) throw error;
      } finally {
        await letGo(holder);
      }
      if (broken !== undefined) throw broken;
    });
  }

  remove(volume: string): Promise<void> {
    return asking(`removing volume ${volume}`, async () => {
      if (!(await this.has(volume))) return;
      await this.freeOfCopies(volume);
      await this.docker.getVolume(volume).remove();
    });
  }

  /** A copy whose process was killed holds its volume still, and the engine removes none that is held. */
  private async freeOfCopies(volume: string): Promise<void> {
    const ours = ownedBy(this.platform, `${LABEL.kind}=${HOLDER_KIND}`);
    const filters = { ...ours, volume: [volume] };
    for (const { Id } of await this.docker.listContainers({ all: true, filters })) {
      await letGo(this.docker.getContainer(Id));
    }
  }

  /** A container that has the volume and does nothing: what the engine's archives are asked of. */
  private async hold(volume: string): Promise<Docker.Container> {
    // The engine makes one by itself where it is missing.
    if (!(await this.has(volume))) throw new Error('the engine does not have it');
    await this.ensureHolderImage();
    return this.docker.createContainer({
      name: `${this.platform}-${HOLDER_KIND}-${randomBytes(6).toString('hex')}`,
      Image: `${HOLDER_IMAGE.repo}:${HOLDER_IMAGE.tag}`,
      Cmd: ['/never-started'],
      Labels: { [LABEL.platform]: this.platform, [LABEL.kind]: HOLDER_KIND },
      HostConfig: {
        NetworkMode: 'none',
        Mounts: [
          {
            ...{ Type: 'volume', Source: volume, Target: `/${VOLUME_ROOT}` },
            VolumeOptions: { NoCopy: true, Labels: {}, DriverConfig: { Name: '', Options: {} } },
          },
        ],
      },
    });
  }

  private async ensureHolderImage(): Promise<void> {
    const { repo, tag } = HOLDER_IMAGE;
    try {
      await this.docker.getImage(`${repo}:${tag}`).inspect();
      return;
    } catch (error) {
      if (engineStatus(error) !== 404) throw error;
    }
    const nothing = pack();
    nothing.finalize();
    const answer = await this.docker.importImage(Readable.from(nothing), { repo, tag });
    await new Promise<void>((resolve, reject) => {
      this.docker.modem.followProgress(answer, (error) =>
        error === null ? resolve() : reject(error),
      );
    });
  }

  /** Undefined where there is no such volume. */
  private async labelsOf(volume: string): Promise<Readonly<Record<string, string>> | undefined> {
    try {
      // The engine says null for none.
      const { Labels }: { Labels: Record<string, string> | null } = await this.docker
        .getVolume(volume)
        .inspect();
      return Labels ?? {};
    } catch (error) {
      if (engineStatus(error) === 404) return undefined;
      throw error;
    }
  }
}

interface Held {
  readonly holder: Docker.Container;
  readonly doing: string;
  readonly stalledMs: number;
}

/** The archive to its end; then, or when nobody reads on, the container that held the volume goes. */
async function* whileHeld(archive: Readable, held: Held): AsyncGenerator<Buffer> {
  const { holder, doing, stalledMs } = held;
  const giveUp = (): void => {
    archive.destroy(new Error(`the engine gave nothing for ${Math.round(stalledMs / 1000)} s`));
  };
  let watch = setTimeout(giveUp, stalledMs);
  try {
    for await (const chunk of archive) {
      // Who reads slowly is not the engine's fault: only its own time counts.
      clearTimeout(watch);
      yield chunk as Buffer;
      watch = setTimeout(giveUp, stalledMs);
    }
  } catch (cause) {
    throw new BackupError('engine-unavailable', doing, { cause });
  } finally {
    clearTimeout(watch);
    archive.destroy();
    await letGo(holder);
  }
}

/** One that stays behind is in nobody's way, and the volume keeper takes it with its volume. */
const letGo = (holder: Docker.Container): Promise<void> =>
  holder.remove({ force: true }).then(
    () => undefined,
    () => undefined,
  );

const asking = async <T>(doing: string, work: () => Promise<T>): Promise<T> => {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof BackupError) throw cause;
    throw new BackupError('engine-unavailable', `${doing}: ${describeError(cause)}`, { cause });
  }
};
