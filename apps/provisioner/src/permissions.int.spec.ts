import { readFile } from 'node:fs/promises';
import { headers, type MsgHdrs, type NatsConnection } from '@nats-io/nats-core';
import { AGGREGATES, WRITER_OF, type ProcessName } from '@shiplog/events';
import { HEALTH_STREAM, LOG_STREAM } from '@shiplog/events/jetstream';
import { connectNats, type NatsUser } from '@shiplog/runtime';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findNatsServer } from './find-nats-server.js';
import { HEALTH_QUESTION, JETSTREAM_QUESTION, WORKERS } from './permissions.js';
import { JETSTREAM_SUBJECTS, unknownRequestsOf } from './testing/jetstream-api.js';
import { startTestNats, type TestNats } from './testing/index.js';

/** Subjects of a platform, and what would be an attack on it. */
const PUBLISHED = [
  ...AGGREGATES.map((aggregate) => `log.${aggregate}.x1`),
  'log.x',
  'hint.app.x1',
  ...WORKERS.flatMap((name) => [`tel.${name}.topic`, `rpc.${name}.operation`]),
  'rpc.deployer.backup-hook',
  ...WORKERS.map((name) => `_INBOX_${name}.x`),
  ...JETSTREAM_SUBJECTS,
  // Acknowledgements, flow control, snapshots, buckets, advisories: JetStream's own, beside its requests.
  `$JS.ACK.${LOG_STREAM}.c1.1.1.1.1.1`,
  `$JS.FC.${LOG_STREAM}.c1.x`,
  `$JS.SNAPSHOT.ACK.${LOG_STREAM}.x`,
  `$JS.SNAPSHOT.RESTORE.${LOG_STREAM}.x`,
  '$JS.EVENT.ADVISORY.API',
  '$KV.bucket.key',
  '$O.bucket.C.x',
  `$JSC.CI.${LOG_STREAM}.c1`,
  '$SYS.REQ.SERVER.PING.JSZ',
  '$SYS.REQ.SERVER.PING.HEALTHZ',
  '$SYS.REQ.SERVER.PING.VARZ',
  '$SYS.REQ.ACCOUNT.SHIPLOG.CLAIMS.UPDATE',
  'anything.else',
];

const SUBSCRIBED = [
  '>',
  'log.>',
  'hint.>',
  'tel.>',
  'rpc.>',
  ...WORKERS.flatMap((name) => [`rpc.${name}.>`, `tel.${name}.>`, `_INBOX_${name}.x`]),
  'tel.router-sync.traffic',
  'tel.deployer.reply.x',
  '_INBOX.>',
  '$JS.API.>',
  '$SYS.>',
];

/** The list of architecture §3, written down a second time: a change of the table must be meant. */
const mayPublish = (user: NatsUser, subject: string): boolean => {
  const [first, second = ''] = subject.split('.');
  if (user === 'system') return subject === JETSTREAM_QUESTION || subject === HEALTH_QUESTION;
  if (user === 'provisioner') return subject.startsWith('$JS.API.');
  if (first === 'log') return subject.split('.').length > 2 && writerOf(second) === user;
  if (first === 'tel') return second === user;
  if (first === 'rpc') return mayAsk(user, subject);
  return (
    subject === `$JS.API.STREAM.MSG.GET.${LOG_STREAM}` ||
    subject === `$JS.API.DIRECT.GET.${LOG_STREAM}` ||
    subject.startsWith(`$JS.API.DIRECT.GET.${LOG_STREAM}.`)
  );
};

const mayAsk = (user: NatsUser, subject: string): boolean =>
  user === 'api' || (user === 'backup' && subject === 'rpc.deployer.backup-hook');

const writerOf = (aggregate: string): ProcessName | undefined =>
  (WRITER_OF as Readonly<Record<string, ProcessName>>)[aggregate];

/** Where requests are mapped away, that comes before the permission: refused all the same, by its new name. */
const inSystemAccount = (subject: string): string =>
  subject
    .replace(/^\$JS\.API\.CONSUMER\./, 'shiplog.refused.')
    .replace(
      /^\$JS\.API\.STREAM\.(UPDATE|DELETE|PURGE|RESTORE|SNAPSHOT|MSG\.DELETE)\.(LOG|OTHER)$/,
      'shiplog.refused',
    );

const maySubscribe = (user: NatsUser, subject: string): boolean => {
  if (subject === `_INBOX_${user}.x`) return true;
  if (user === 'system' || user === 'provisioner') return false;
  return (
    subject === 'hint.>' ||
    subject === `rpc.${user}.>` ||
    (user === 'deployer' && subject === 'tel.router-sync.traffic') ||
    (user === 'backup' && subject === 'tel.deployer.reply.x') ||
    (user === 'api' && (subject === 'tel.>' || subject.startsWith('tel.')))
  );
};

let nats: TestNats;
beforeAll(async () => {
  nats = await startTestNats();
});
afterAll(() => nats.close());

/** Expects a sequence that is not there: what the server lets through leaves nothing in the log. */
const impossible = (): MsgHdrs => {
  const h = headers();
  h.set('Nats-Expected-Last-Subject-Sequence', '999999');
  return h;
};

/** What the server refuses arrives as errors before the answer to a ping that was sent after it. */
const refusedOf = async (
  connection: NatsConnection,
  act: () => void,
): Promise<readonly string[]> => {
  const refused: string[] = [];
  const events = connection.status();
  const reading = (async () => {
    for await (const event of events) {
      if (event.type === 'error') {
        const { subject } = event.error as { subject?: string };
        if (subject !== undefined) refused.push(subject);
      }
    }
  })();
  act();
  await connection.flush();
  await connection.close();
  await reading;
  return refused;
};

describe.each([...WORKERS, 'provisioner', 'system'] as const)('NATS user %s', (user) => {
  it('may publish exactly what its process has to', async () => {
    const connection = await connectNats(nats.config, user);
    const refused = await refusedOf(connection, () => {
      for (const subject of PUBLISHED) connection.publish(subject, 'x', { headers: impossible() });
    });
    const expected = PUBLISHED.filter((subject) => !mayPublish(user, subject));
    expect(refused).toEqual(user === 'system' ? expected.map(inSystemAccount) : expected);
  });

  it('may subscribe to exactly what its process has to', async () => {
    const connection = await connectNats(nats.config, user);
    const refused = await refusedOf(connection, () => {
      for (const subject of SUBSCRIBED)
        connection.subscribe(subject, { callback: () => undefined });
    });
    expect(refused).toEqual(SUBSCRIBED.filter((subject) => !maySubscribe(user, subject)));
  });
});

it('tries every request that this nats-server knows', async () => {
  expect(unknownRequestsOf(await readFile(await findNatsServer()))).toEqual([]);
  // Or it finds nothing at all.
  expect(unknownRequestsOf(Buffer.from('x$JS.API.STREAM.SHRED.*'))).toEqual(['STREAM.SHRED']);
});

describe('the answer of the server to a worker', () => {
  const stateOf = async (administrator: NatsConnection) => {
    const answer = await administrator.request(`$JS.API.STREAM.INFO.${LOG_STREAM}`);
    return answer.json<{ config: object; state: { messages: number; consumer_count: number } }>();
  };

  it('reaches no request that changes or deletes the log, or adds a stream', async () => {
    const administrator = await connectNats(nats.config, 'provisioner');
    const gc = await connectNats(nats.config, 'gc');
    const { config } = await stateOf(administrator);
    // Whatever a worker stores in its own stream can be sent on to any subject as the answer to a read.
    const bodies = {
      forgetful: { ...config, max_msgs: 1, discard: 'old' },
      other: { name: 'OTHER', subjects: ['tel.gc.>'], republish: { src: '>', dest: 'log.app.x' } },
    };
    for (const [name, body] of Object.entries(bodies)) {
      gc.publish(`log.garbage.${name}`, JSON.stringify(body));
    }
    const read = (name: string, reply: string): void =>
      gc.publish(`$JS.API.DIRECT.GET.${LOG_STREAM}.log.garbage.${name}`, '', { reply });
    read('forgetful', `$JS.API.STREAM.UPDATE.${LOG_STREAM}`);
    read('other', '$JS.API.STREAM.CREATE.OTHER');
    const isRead = (subject: string): boolean => /\.(DIRECT|MSG)\.GET\./.test(subject);
    for (const subject of JETSTREAM_SUBJECTS.filter((one) => !isRead(one))) {
      // Nothing there: an empty answer, and what it stored itself.
      for (const name of ['nothing', 'forgetful', 'other']) read(name, subject);
    }
    await gc.flush();
    // The server answers this last of all, from the same queue.
    await gc.request(`$JS.API.DIRECT.GET.${LOG_STREAM}.log.garbage.other`, '');

    const after = await stateOf(administrator);
    expect(after.config).toEqual(config);
    expect(after.state.consumer_count).toBe(0);
    expect(after.state.messages).toBe(Object.keys(bodies).length);
    const names = await administrator.request('$JS.API.STREAM.NAMES');
    expect(names.json<{ streams: string[] }>().streams).toEqual([HEALTH_STREAM, LOG_STREAM]);
    await Promise.all([gc.close(), administrator.close()]);
  });

  it('is not heard by the administrator either', async () => {
    const administrator = await connectNats(nats.config, 'provisioner');
    const subject = `$JS.API.STREAM.DELETE.${LOG_STREAM}`;
    await expect(administrator.request(subject, '', { timeout: 500 })).rejects.toThrow();
    expect((await stateOf(administrator)).config).toMatchObject({ name: LOG_STREAM });
    await administrator.close();
  });
});
