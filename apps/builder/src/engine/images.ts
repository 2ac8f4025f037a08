import { LABEL, engineStatus } from '@shiplog/engine';
import type { Image } from '@shiplog/events';
import type Docker from 'dockerode';
import { askEngine } from './engine-errors.js';

/** The image as a release names it, or undefined where the engine has none. */
export const describeImage = async (
  engine: Docker,
  idOrRef: string,
  ref: string = idOrRef,
): Promise<Image | undefined> => {
  const found = await inspectImage(engine, idOrRef);
  if (found === undefined) return undefined;
  return {
    id: found.Id,
    ref,
    sizeBytes: found.Size,
    exposedPorts: portsOf(found),
    repoDigest: repoDigestOf(found, ref),
  };
};

export const inspectImage = (
  engine: Docker,
  idOrRef: string,
): Promise<Docker.ImageInspectInfo | undefined> =>
  askEngine(`inspecting image ${idOrRef}`, async () => {
    try {
      return await engine.getImage(idOrRef).inspect();
    } catch (error) {
      if (engineStatus(error) === 404) return undefined;
      throw error;
    }
  });

/** Ids of all images the engine has. Throws rather than answer with less. */
export const listImageIds = async (engine: Docker): Promise<ReadonlySet<string>> => {
  const images = await askEngine('listing images', () => engine.listImages({ all: true }));
  return new Set(images.map(({ Id }) => Id));
};

/** Removes an image or a tag; one that is gone, or in use, stays as it is. */
export const removeImage = (engine: Docker, idOrRef: string): Promise<void> =>
  askEngine(`removing image ${idOrRef}`, async () => {
    try {
      await engine.getImage(idOrRef).remove();
    } catch (error) {
      const status = engineStatus(error);
      if (status !== 404 && status !== 409) throw error;
    }
  });

/**
 * Removes containers that an interrupted build left behind. Their ids come from the build's output, where a
 * program in a step can print any: what is an instance or a one-off command is left alone.
 */
export const removeContainers = async (engine: Docker, ids: readonly string[]): Promise<void> => {
  for (const id of ids) {
    await askEngine(`removing container ${id}`, async () => {
      try {
        const container = engine.getContainer(id);
        const { Labels: labels } = (await container.inspect()).Config;
        if (LABEL.instance in labels || labels[LABEL.kind] === 'run') return;
        await container.remove({ force: true, v: true });
      } catch (error) {
        const status = engineStatus(error);
        // 409: the engine is removing it already, as it does after a build that was cut off.
        if (status === 409) await untilRemoved(engine, id);
        else if (status !== 404) throw error;
      }
    });
  }
};

const REMOVAL_MS_MAX = 10_000;

/** Or as long as is reasonable: what the engine cannot remove is left to it. */
const untilRemoved = async (engine: Docker, id: string): Promise<void> => {
  const abortSignal = AbortSignal.timeout(REMOVAL_MS_MAX);
  const isGone = { condition: 'removed', abortSignal } as const;
  await engine
    .getContainer(id)
    .wait(isGone)
    .catch(() => undefined);
};

const portsOf = ({ Config }: Docker.ImageInspectInfo): number[] =>
  Object.keys((Config.ExposedPorts ?? {}) as Record<string, unknown>)
    .flatMap((key) => {
      const [port, protocol = 'tcp'] = key.split('/');
      const number = Number(port);
      return protocol === 'tcp' && Number.isInteger(number) && number >= 1 && number <= 65_535
        ? [number]
        : [];
    })
    .toSorted((a, b) => a - b)
    .slice(0, 64);

/** The digest under the name that was asked for, where the image has several. */
const repoDigestOf = ({ RepoDigests }: Docker.ImageInspectInfo, ref: string): string | null => {
  const digests = RepoDigests ?? [];
  const name = ref.replace(/@.*$/, '').replace(/:[^/:]+$/, '');
  return digests.find((digest) => digest.startsWith(`${name}@`)) ?? digests[0] ?? null;
};
