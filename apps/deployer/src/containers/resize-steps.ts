import type { ResizeRefusal } from '@shiplog/domain';
import type { Limits } from '@shiplog/events';
import { fault } from '../faults.js';
import type { Action } from './actions.js';
import { EngineError } from './container-engine.port.js';
import type { Workbench } from './workbench.js';

type ActionOf<T extends Action['type']> = Extract<Action, { type: T }>;

/** Changes the limits of a container without touching what runs in it. */
export const resize = async (bench: Workbench, action: ActionOf<'resize'>): Promise<void> => {
  const { instanceId, appId, containerId, limits, cause } = action;
  try {
    const tooMuch = await excessMemory(bench, action);
    if (tooMuch !== null) return await refuse(bench, action, tooMuch);
    fault('before-resize');
    await bench.engine.resize(containerId, limits);
    fault('after-resize');
  } catch (error) {
    if (!(error instanceof EngineError) || error.isUnknown) throw error;
    // Some of it may have been done.
    await bench.view.look(containerId);
    const code = error.code === 'unsupported' ? 'unsupported' : 'engine-refused';
    return refuse(bench, action, { code, summary: error.said });
  }
  bench.view.assume(containerId, { limits });
  bench.notes.resized(instanceId);
  fault('before-record-resized');
  await bench.record(
    'instance',
    { id: instanceId, appId },
    { type: 'RecordResized', limits, cause },
  );
  fault('after-record-resized');
  bench.context.logger.info({ appId, instanceId, containerId, cause }, 'instance-resized');
};

/** The log is told of what was done before a crash. */
export const recordResized = async (
  bench: Workbench,
  { instanceId, appId, limits }: ActionOf<'record-resized'>,
): Promise<void> => {
  fault('before-record-resized');
  await bench.record(
    'instance',
    { id: instanceId, appId },
    { type: 'RecordResized', limits, cause: 'asked' },
  );
  fault('after-record-resized');
};

type Refusal = Omit<ResizeRefusal, 'limits'>;

/** A limit below what cannot be taken back from a program ends it: that was not asked for. */
const excessMemory = async (
  bench: Workbench,
  { instanceId, containerId, limits }: ActionOf<'resize'>,
): Promise<Refusal | null> => {
  const container = bench.view.containers.get(instanceId);
  const now = container?.limits?.memoryBytes ?? 0;
  if (container?.status !== 'running' || limits.memoryBytes >= now) return null;
  const used = await bench.engine.memoryInUse(containerId);
  if (used === null || used <= limits.memoryBytes) return null;
  const [is, wanted, has] = [used, limits.memoryBytes, now].map(megabytes);
  return {
    code: 'in-use',
    summary: `it uses ${is} of memory, and a limit of ${wanted} would end it; it keeps ${has} until it uses less or is restarted`,
  };
};

const refuse = async (
  bench: Workbench,
  { instanceId, appId, limits }: ActionOf<'resize'>,
  refusal: Refusal,
): Promise<void> => {
  bench.notes.notResized(instanceId, limits, bench.nowMs());
  bench.context.logger.warn({ appId, instanceId, ...refusal }, 'resize-refused');
  await bench.record(
    'instance',
    { id: instanceId, appId },
    { type: 'RecordResizeRefused', ...clipped(refusal), limits },
  );
};

const clipped = ({ code, summary }: Refusal): Refusal => ({
  code,
  summary: summary.slice(0, 2000),
});

const MEGABYTE = 1024 * 1024;
const megabytes = (bytes: Limits['memoryBytes'] | undefined): string =>
  `${Math.ceil((bytes ?? 0) / MEGABYTE)} MB`;
