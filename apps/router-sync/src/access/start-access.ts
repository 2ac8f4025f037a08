import { register } from 'prom-client';
import { z } from 'zod';
import type { ProcessContext } from '@shiplog/runtime';
import type { Router } from '../routes/router.port.js';
import { AccessLog } from './access-log.js';
import type { AccessSource } from './access-source.js';
import { registerTraffic } from './metrics.js';
import { TrafficBook } from './traffic-book.js';

const FORGET_MS = 10_000;

const trafficInput = z.object({ appId: z.string() });

/** Reads what the proxy says of requests, and tells what clients of apps felt: as lines, figures and metrics. */
export const startAccess = (
  { world, bus }: Pick<ProcessContext, 'world' | 'bus'>,
  router: Router,
  source: AccessSource,
): (() => Promise<void>) => {
  const book = new TrafficBook();
  const log = new AccessLog({
    source,
    bus,
    instance: (id) => {
      const { state } = world.get('instance', id);
      return state.status === 'none' ? undefined : { appId: state.appId, release: state.version };
    },
    onLine: (line) => book.add(line, world.app(line.appId)?.teamId, Date.now()),
  });
  const forget = (): void =>
    book.forget(
      (appId, instance) =>
        world.app(appId) !== undefined &&
        (instance === null || world.get('instance', instance).state.status !== 'none'),
    );
  const stopLog = log.start();
  const unregister = registerTraffic(register, {
    ...{ book, counts: log.counts, forget },
    gap: () => source.counted(),
    underWay: () => router.underWay(),
  });
  const stopServing = bus.serve('traffic', async (given) => {
    const { appId } = trafficInput.parse(given);
    const { instances, queued } = await router.underWay();
    const own = world.instancesOf(appId).map(({ instanceId }) => instanceId);
    const inFlight = new Map(
      own.flatMap((id) => {
        const count = instances.get(id);
        return count === undefined ? [] : [[id, count] as const];
      }),
    );
    return book.trafficOf(appId, Date.now(), { inFlight, queued: queued.get(appId) ?? 0 });
  });
  const timer = setInterval(forget, FORGET_MS);
  return async () => {
    clearInterval(timer);
    stopServing();
    unregister();
    await stopLog();
  };
};
