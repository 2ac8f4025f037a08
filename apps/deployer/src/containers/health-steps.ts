import { checkName, type KnownInstance } from '@shiplog/domain';
import { describeError } from '@shiplog/runtime';
import type { WatchEvents } from '../health/watcher.js';
import { isArmed, type WantedWatch } from '../health/wanted.js';
import type { Action } from './actions.js';
import { recordSignalled } from './fact-steps.js';
import { redactorOf } from './read-last-lines.js';
import type { Workbench } from './workbench.js';

type ActionOf<T extends Action['type']> = Extract<Action, { type: T }>;

/** As much of an answer as an event holds. */
const GOT_CHARACTERS_MAX = 500;

/** Out of routing; where it does not live, the next rounds start it again. */
export const recordUnready = async (
  bench: Workbench,
  { appId, instanceId, cause, check, got }: Omit<ActionOf<'record-unready'>, 'type'>,
): Promise<void> => {
  if (cause === 'liveness') bench.notes.revived(instanceId, bench.nowMs());
  const { state } = bench.context.world.get('instance', instanceId);
  if (state.status === 'none') return;
  const said = got === '' ? got : (await redactorOf(bench, state))(got);
  await bench.record(
    'instance',
    { id: instanceId, appId },
    { type: 'RecordUnready', cause, check, got: said.slice(0, GOT_CHARACTERS_MAX) },
  );
  bench.context.logger.warn({ appId, instanceId, cause, got: said }, 'instance-unready');
};

/**
 * Ends a run; that it ended and began anew is recorded as with any other. What it was sent is recorded before the next
 * run begins: later nobody could tell that it was us.
 */
export const endInstance = async (
  bench: Workbench,
  { appId, instanceId, containerId, graceSeconds }: ActionOf<'end-instance'>,
): Promise<void> => {
  await bench.engine.stop(containerId, graceSeconds);
  for (const { signal, atMs } of bench.view.signalsOf(containerId)) {
    await recordSignalled(bench, {
      ...{ type: 'record-signalled', appId, instanceId, signal, atMs },
      graceSeconds: signal === 'SIGKILL' ? null : graceSeconds,
    });
  }
  await bench.view.look(containerId);
};

/** What the watcher finds out, as facts in the log and notes for the plan. */
export const watchEvents = (bench: Workbench): WatchEvents => {
  const instanceOf = ({ instanceId, startedAt }: WantedWatch): KnownInstance | undefined => {
    const { state } = bench.context.world.get('instance', instanceId);
    const container = bench.view.containers.get(instanceId);
    const isSameRun = container?.status === 'running' && container.startedAt === startedAt;
    const isAsked = state.status === 'ready' || state.status === 'unready';
    return isSameRun && isAsked ? state : undefined;
  };
  const record = async (
    { instanceId, appId }: WantedWatch,
    command: Parameters<typeof bench.record<'instance'>>[2],
  ): Promise<void> => {
    await bench.record('instance', { id: instanceId, appId }, command);
    bench.nudge(appId);
  };
  return {
    standing: (watch) => {
      const instance = instanceOf(watch);
      if (instance === undefined) return undefined;
      return {
        isUnready: instance.status === 'unready',
        isArmed: watch.check !== null && isArmed(watch.check, instance),
      };
    },
    onAnswer: ({ instanceId, probe }, { isReady, got }) => {
      bench.notes.probed(instanceId, got);
      if (probe === 'liveness' && isReady) bench.notes.living(instanceId);
    },
    onArmed: async (watch) => {
      if (watch.check === null) return;
      await record(watch, { type: 'RecordCheckPassed', check: checkName(watch.check) });
    },
    onFailed: async (watch, got) => {
      const { instanceId, appId, probe, check, startedAt } = watch;
      const name = check === null ? '' : checkName(check);
      if (probe === 'readiness') {
        await recordUnready(bench, { appId, instanceId, cause: 'readiness', check: name, got });
      } else {
        bench.notes.notLiving(instanceId, { startedAt, check: name, got });
      }
      bench.nudge(appId);
    },
    onPassed: async (watch) => {
      const reach = instanceOf(watch)?.reach;
      await record(watch, { type: 'RecordReady', ...(reach === undefined ? {} : { reach }) });
      bench.context.logger.info(
        { appId: watch.appId, instanceId: watch.instanceId },
        'instance-ready-again',
      );
    },
    onError: (error) =>
      bench.context.logger.warn({ error: describeError(error) }, 'health-check-not-carried-out'),
  };
};
