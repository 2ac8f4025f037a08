import type { Explanation } from '@shiplog/events';
import { streamName } from '@shiplog/events';
import { explainReleaseCommand } from '../explain-release.js';
import type { Workbench } from './workbench.js';

/** The run as it is known, and its last lines from the log. */
export const explainReleaseRun = async (
  bench: Workbench,
  runId: string,
  timeoutSeconds: number,
): Promise<Explanation> => {
  const records = await bench.context.log.read(streamName('run', runId));
  const logLines = records
    .flatMap(({ commit }) => commit.events)
    .flatMap((event) => (event.type === 'RunEnded' ? event.data.logLines : []));
  return explainReleaseCommand(bench.context.world.run(runId), { logLines, timeoutSeconds });
};
