import { connectEngine, ownedBy } from '@shiplog/engine';

/** Ends what runs in a container as a bug or the kernel would: unlike `docker kill`, the engine restarts it. */
export const killContainerProcess = async (containerId: string): Promise<void> => {
  const { State } = await connectEngine().getContainer(containerId).inspect();
  if (State.Pid === 0) throw new Error(`container ${containerId} does not run`);
  process.kill(State.Pid, 'SIGKILL');
};

/** When each of them was started, by the engine's own clock: changes with every start. */
export const startTimes = async (containerIds: readonly string[]): Promise<Map<string, string>> => {
  const engine = connectEngine();
  const found = await Promise.all(containerIds.map((id) => engine.getContainer(id).inspect()));
  return new Map(found.map(({ Id, State }) => [Id, State.StartedAt]));
};

/** Takes every container, image and volume of a platform's apps from the engine, as somebody's clean-up would. */
export const removeAppsFromEngine = async (platform: string): Promise<void> => {
  const engine = connectEngine();
  const filters = ownedBy(platform);
  for (const { Id } of await engine.listContainers({ all: true, filters })) {
    await engine.getContainer(Id).remove({ force: true, v: true });
  }
  for (const { Id } of await engine.listImages({ filters })) {
    await engine.getImage(Id).remove({ force: true });
  }
  const { Volumes } = await engine.listVolumes({ filters });
  for (const { Name } of (Volumes as typeof Volumes | null) ?? []) {
    await engine.getVolume(Name).remove();
  }
};
