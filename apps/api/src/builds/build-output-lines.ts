import type { World } from '@shiplog/domain';
import type { ProcessContext } from '@shiplog/runtime';
import { openAlarm } from '../progress/inbox.js';
import { BuildOutput } from '../progress/build-output.js';

interface OutputRequest {
  readonly appId: string;
  readonly buildId: string;
  /** Lines up to this number are left out. */
  readonly after: number;
  /** Until the build is over. */
  readonly follow: boolean;
}

/** Lines can get lost on their way; what the builder keeps is looked at this often. */
const LOOK_MS = 2_000;

/** What a build printed so far and, when followed, what it prints until it is over. */
export async function* buildOutputLines(
  { world, feed, bus }: Pick<ProcessContext, 'world' | 'feed' | 'bus'>,
  { appId, buildId, after, follow }: OutputRequest,
  signal: AbortSignal,
): AsyncGenerator<{ n: number; text: string }> {
  const alarm = openAlarm(feed, signal);
  const output = new BuildOutput(bus, buildId, () => alarm.wake());
  let n = 0;
  try {
    while (!signal.aborted) {
      // Looked at before the output: lines that were printed before the end come before it.
      const isOver = isBuildOver(world, appId, buildId);
      await output.catchUp();
      if (isOver || !follow) output.flush();
      const numbered = output.take().map((text, i) => ({ n: n + i + 1, text }));
      n += numbered.length;
      yield* numbered.filter((line) => line.n > after);
      if (isOver || !follow) return;
      await alarm.next(LOOK_MS);
    }
  } finally {
    output.close();
    alarm.close();
  }
}

/** Nothing more comes of it: it ended, so long ago that it was forgotten, or nobody will begin it. */
const isBuildOver = (world: World, appId: string, buildId: string): boolean => {
  const { status } = world.get('build', buildId).state;
  if (status !== 'none') return status !== 'running';
  return world.app(appId)?.builds[buildId]?.cancelRequested !== false;
};
