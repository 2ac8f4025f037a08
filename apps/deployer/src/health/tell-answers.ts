import type { KnownInstance } from '@shiplog/domain';
import type { Workbench } from '../containers/workbench.js';
import { redactorOf } from '../containers/read-last-lines.js';

const TELL_MS = 1_000;
const TOLD_MAX = 200;
const GOT_CHARACTERS_MAX = 500;

/** What instances that run and are not ready answered last; config values are blotted out. */
export const lastAnswers = async (
  bench: Workbench,
): Promise<{ instanceId: string; got: string }[]> => {
  const waiting = bench.context.world
    .instances()
    .filter(({ status }) => status === 'starting' || status === 'unready')
    .slice(0, TOLD_MAX);
  const told = waiting.map(async (instance: KnownInstance) => {
    const { instanceId } = instance;
    const got = bench.notes.of(instanceId).probe;
    if (got === null) return [];
    const redact = await redactorOf(bench, instance);
    return [{ instanceId, got: redact(got).slice(0, GOT_CHARACTERS_MAX) }];
  });
  return (await Promise.all(told)).flat();
};

/** Tells them on the bus while there are any: news about now, never an event. */
export const tellAnswers = (bench: Workbench): void => {
  const tell = async (): Promise<void> => {
    const answers = await lastAnswers(bench);
    if (answers.length > 0) bench.context.bus.publish('answers', { answers });
  };
  const timer = setInterval(() => void tell().catch(() => undefined), TELL_MS);
  bench.abort.signal.addEventListener('abort', () => clearInterval(timer));
};
