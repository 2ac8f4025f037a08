import { connectEngine } from '@shiplog/engine';

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
