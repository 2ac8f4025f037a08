import { describe, expect, it } from 'vitest';
import {
  streamName,
  type DomainEventUnion,
  type RecordedCommit,
  type StreamName,
} from '@shiplog/events';
import { InMemoryEventLog } from '@shiplog/events/log';
import { commitAfter, endOf, NO_COMMIT } from '@shiplog/events/testing';
import { gatherCauses } from './gather.js';

const APP = 'a1';
const event = (type: string, data: object, v = 1): DomainEventUnion =>
  ({ type, v, data }) as unknown as DomainEventUnion;

class Told {
  readonly log = new InMemoryEventLog();
  readonly read: StreamName[] = [];
  looked = 0;
  private others = 0;

  async add(stream: StreamName, ...events: DomainEventUnion[]): Promise<void> {
    const end = await endOf(this.log, stream);
    await this.log.append(stream, end.revision, commitAfter(stream, end, { events }));
  }

  async ready(instanceId: string, port: number | null = 20_000): Promise<void> {
    const of = { instanceId, appId: APP };
    const containerPort = port === null ? null : 80;
    const where = { nodeId: 'n1', port, containerPort, protocol: 'http' };
    const what = { process: 'web', version: 1, generation: 1 };
    const stream = streamName('instance', instanceId);
    await this.add(stream, event('InstanceScheduled', { ...of, ...what, ...where }, 2));
    await this.add(stream, event('InstanceReady', of));
  }

  routed(...routed: string[]): Promise<void> {
    const none = { unrouted: [], drained: [] };
    const applied = { routerId: 'r1', position: '1'.padStart(20, '0'), routed, ...none };
    return this.add('router.r1', event('RoutesApplied', applied));
  }

  /** What others do meanwhile. */
  async meanwhile(commits: number): Promise<void> {
    for (let n = 0; n < commits; n += 1) {
      const stream = streamName('app', `o${(this.others += 1)}`);
      await this.log.append(stream, NO_COMMIT.revision, commitAfter(stream, NO_COMMIT));
    }
  }

  async gather(instanceIds: readonly string[]): Promise<readonly RecordedCommit[]> {
    const routes = { r1: 'routed' as const };
    const documents = instanceIds.map((id) => ({ id, version: 1, routes }));
    const { records } = await gatherCauses(
      {
        until: await this.log.head(),
        log: {
          read: (stream) => {
            this.read.push(stream);
            return this.log.read(stream);
          },
          readStored: async (after, limit) => {
            const batch = await this.log.readStored(after, limit);
            this.looked += batch.length;
            return batch;
          },
        },
        documents: {
          instance: (id: string) => documents.find((one) => one.id === id),
          instances: ({ ended }: { ended?: boolean }) => (ended === true ? [] : documents),
        } as never,
      },
      APP,
      instanceIds.length === 1
        ? { kind: 'instance', instanceId: instanceIds[0] ?? '' }
        : { kind: 'release', version: 1 },
    );
    return records;
  }
}

const types = (records: readonly RecordedCommit[]): string[] =>
  records.flatMap(({ commit }) => commit.events.map(({ type }) => type));

describe('gathering causes', () => {
  it('reads the streams that belong to it, and of the log what follows an instance', async () => {
    const told = new Told();
    await told.meanwhile(3_000);
    await told.ready('i1');
    await told.meanwhile(700);
    await told.routed('i1');
    await told.meanwhile(3_000);
    expect(types(await told.gather(['i1']))).toEqual([
      'InstanceScheduled',
      'InstanceReady',
      'RoutesApplied',
    ]);
    expect(told.read).toEqual([`app.${APP}`, 'instance.i1', `rollout.${APP}-g1`]);
    expect(told.looked).toBe(1_000);
  });

  it('gives up where no router follows, and looks for none where there is no port', async () => {
    const told = new Told();
    await told.ready('i1');
    await told.ready('i2', null);
    await told.meanwhile(3_000);
    await told.routed('i1', 'i2');
    expect(types(await told.gather(['i2']))).not.toContain('RoutesApplied');
    expect(told.looked).toBe(0);
    expect(types(await told.gather(['i1']))).not.toContain('RoutesApplied');
    expect(told.looked).toBe(2_000);
  });

  it('costs no more for many instances than for some', async () => {
    const told = new Told();
    const ids = Array.from({ length: 40 }, (_, n) => `i${n}`);
    for (const id of ids) {
      await told.ready(id);
      await told.meanwhile(50);
    }
    await told.meanwhile(2_000);
    await told.gather(ids);
    expect(told.looked).toBeGreaterThanOrEqual(20_000);
    expect(told.looked).toBeLessThanOrEqual(20_500);
  });
});
