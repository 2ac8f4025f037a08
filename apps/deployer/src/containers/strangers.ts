import { deciders, foldEvents } from '@shiplog/domain';
import { streamName } from '@shiplog/events';
import type { Workbench } from './workbench.js';

/**
 * Running containers with our label that the world does not know. One whose instance was stopped is
 * stopped again: somebody started it by hand. One that the log never heard of is reported and left
 * alone: it belongs to a log that we do not have, and too much running is better than too little.
 */
export const judgeStrangers = (bench: Workbench): void => {
  for (const { id, instanceId } of bench.view.strangers) {
    if (bench.judged.has(id)) continue;
    bench.tasks.run('look', `stranger:${id}`, async () => {
      const records = await bench.context.log.read(streamName('instance', instanceId));
      const events = records.flatMap(({ commit }) => commit.events);
      const state = foldEvents('instance', deciders.instance.initialState, events);
      if (state.status === 'stopped') {
        bench.context.logger.warn({ instanceId, containerId: id }, 'stopped-instance-runs');
        await bench.engine.setRestartPolicy(id, 'no');
        await bench.engine.stop(id, 10);
        bench.view.relist();
        return;
      }
      bench.judged.add(id);
      if (state.status === 'none') {
        bench.context.logger.warn({ instanceId, containerId: id }, 'unknown-instance-runs');
      }
    });
  }
};
