import type {
  BuiltImage,
  GarbageEngine,
  RemovalResult,
  StillContainer,
} from './garbage-engine.port.js';

export interface FakeContainer extends StillContainer {
  readonly imageId: string;
  readonly isRunning: boolean;
}

/** As awkward as an engine: refuses what runs and what is needed, and knows what has gone. */
export class InMemoryGarbageEngine implements GarbageEngine {
  readonly containers = new Map<string, FakeContainer>();
  readonly images = new Map<string, BuiltImage>();
  /** Called before each removal: lets the world change between look and act. */
  beforeRemoval: (id: string) => void = () => undefined;

  stillContainers(): Promise<readonly StillContainer[]> {
    return Promise.resolve([...this.containers.values()].filter((one) => !one.isRunning));
  }

  builtImages(): Promise<readonly BuiltImage[]> {
    return Promise.resolve([...this.images.values()]);
  }

  removeContainer(id: string): Promise<RemovalResult> {
    this.beforeRemoval(id);
    const found = this.containers.get(id);
    if (found === undefined) return Promise.resolve('gone');
    if (found.isRunning) return Promise.resolve('in-use');
    this.containers.delete(id);
    return Promise.resolve('removed');
  }

  removeImage(id: string): Promise<RemovalResult> {
    this.beforeRemoval(id);
    const found = this.images.get(id);
    if (found === undefined) return Promise.resolve('gone');
    const isUsed = [...this.containers.values()].some((one) => one.imageId === id);
    if (isUsed || found.tags.length > 1) return Promise.resolve('in-use');
    this.images.delete(id);
    return Promise.resolve('removed');
  }
}
