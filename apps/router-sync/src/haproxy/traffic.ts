import type { TrafficCounters } from '@shiplog/domain';
import type { UnderWay } from '../routes/router.port.js';
import { answersIn, statRows } from './stat-rows.js';

/** Servers of one backend by name, from `show stat <backend> 4 -1`: CSV, named in its first line. */
export const parseTraffic = (text: string): ReadonlyMap<string, TrafficCounters> =>
  new Map(
    statRows(text).flatMap((row) => {
      const number = (name: string): number => Number(row(name));
      const server = row('svname');
      if (server === '') return [];
      const answered = answersIn(row);
      // A connection that ended without an answer is a failure of the instance, though another one may have helped out.
      const unanswered = number('eresp');
      return [
        [
          server,
          {
            requests: answered + unanswered,
            errors: number('hrsp_5xx') + unanswered,
            meanMs: number('rtime'),
          },
        ] as const,
      ];
    }),
  );

/** Of several backends, from their `show stat <backend> 6 -1`: the servers that somebody has, and the queues. */
export const underWayIn = (
  stats: readonly string[],
  owners: ReadonlyMap<string, string>,
): UnderWay => {
  const instances = new Map<string, number>();
  const queued = new Map<string, number>();
  for (const text of stats.flatMap(statRows)) {
    const [backend, server] = [text('pxname'), text('svname')];
    const isBackend = server === 'BACKEND';
    const owner = owners.get(isBackend ? backend : `${backend}/${server}`);
    if (owner === undefined) continue;
    if (!isBackend) instances.set(owner, (instances.get(owner) ?? 0) + Number(text('scur')));
    const waiting = Number(text('qcur'));
    const app = owners.get(backend);
    if (waiting > 0 && app !== undefined) queued.set(app, (queued.get(app) ?? 0) + waiting);
  }
  return { instances, queued };
};
