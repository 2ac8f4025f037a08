import { LABEL, engineStatus, ownedBy } from '@shiplog/engine';
import { describeError } from '@shiplog/runtime';
import type Docker from 'dockerode';
import {
  GarbageEngineError,
  type BuiltImage,
  type GarbageEngine,
  type RemovalResult,
  type StillContainer,
} from './garbage-engine.port.js';

/** Not `removing`: the engine is at it already. Not `paused`: it goes on one day. */
const STILL = ['created', 'exited', 'dead'];

/** Docker's zero time, of a container that never ran (Go's `time.Time{}`). */
const NEVER = '0001-01-01';

export class DockerGarbageEngine implements GarbageEngine {
  constructor(
    private readonly docker: Docker,
    private readonly platform: string,
  ) {}

  async stillContainers(): Promise<readonly StillContainer[]> {
    const filters = { ...ownedBy(this.platform), status: STILL };
    const found = await ask('listing containers', () =>
      this.docker.listContainers({ all: true, filters }),
    );
    const containers: StillContainer[] = [];
    for (const { Id, Labels, Created } of found) {
      const finishedAtMs = await this.finishedAtMs(Id);
      containers.push({
        id: Id,
        instanceId: Labels[LABEL.instance] ?? null,
        appId: Labels[LABEL.app] ?? null,
        process: Labels[LABEL.process] ?? null,
        kind: Labels[LABEL.kind] ?? null,
        stillSinceMs: finishedAtMs ?? Created * 1000,
      });
    }
    return containers;
  }

  /** Undefined when it never ran, has gone since it was listed, or is one that the engine cannot show. */
  private async finishedAtMs(id: string): Promise<number | undefined> {
    try {
      const { State } = await this.docker.getContainer(id).inspect();
      return State.FinishedAt.startsWith(NEVER) ? undefined : Date.parse(State.FinishedAt);
    } catch (error) {
      if (engineStatus(error) !== undefined) return undefined;
      throw new GarbageEngineError(`inspecting container ${id}`, { cause: error });
    }
  }

  async builtImages(): Promise<readonly BuiltImage[]> {
    const found = await ask('listing images', () =>
      this.docker.listImages({ filters: ownedBy(this.platform, LABEL.build) }),
    );
    return found.flatMap(({ Id, Labels, RepoTags, Created, Size }) => {
      // The engine says null for an image without labels, whatever its types say.
      const labels = (Labels as Record<string, string> | null) ?? {};
      const buildId = labels[LABEL.build];
      if (buildId === undefined) return [];
      return {
        id: Id,
        appId: labels[LABEL.app] ?? null,
        buildId,
        kind: labels[LABEL.kind] ?? null,
        tags: (RepoTags ?? []).filter((tag) => tag !== '<none>:<none>'),
        createdAtMs: Created * 1000,
        bytes: Size,
      };
    });
  }

  removeContainer(id: string): Promise<RemovalResult> {
    // `v`: volumes without a name belong to the container alone; without it they would pile up.
    return remove(`removing container ${id}`, () =>
      this.docker.getContainer(id).remove({ force: false, v: true }),
    );
  }

  removeImage(id: string): Promise<RemovalResult> {
    return remove(`removing image ${id}`, () => this.docker.getImage(id).remove({ force: false }));
  }
}

const ask = async <T>(doing: string, question: () => Promise<T>): Promise<T> => {
  try {
    return await question();
  } catch (cause) {
    throw new GarbageEngineError(doing, { cause });
  }
};

const remove = async (doing: string, removal: () => Promise<unknown>): Promise<RemovalResult> => {
  try {
    await removal();
    return 'removed';
  } catch (error) {
    const status = engineStatus(error);
    if (status === 404) return 'gone';
    if (status === 409 || isBusy(error)) return 'in-use';
    if (status === undefined) throw new GarbageEngineError(doing, { cause: error });
    throw error;
  }
};

/** The storage driver's "device or resource busy". */
const isBusy = (error: unknown): boolean =>
  engineStatus(error) === 500 && describeError(error).includes('resource busy');
