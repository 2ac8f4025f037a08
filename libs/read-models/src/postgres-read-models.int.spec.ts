import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeParking } from './parking.contract.js';
import { describeReadModels } from './read-models.contract.js';
import { startReadModels } from './read-models.js';
import { describeRebuilds } from './rebuilds.contract.js';
import { describeRunningReadModels } from './running-read-models.contract.js';
import type { Database } from './sql/database.js';
import { recordHistory } from './testing/index.js';
import { startPostgres, type PostgresServer } from './testing/postgres.js';

let server: PostgresServer | undefined;
let count = 0;

const newDatabase = async (): Promise<Extract<Database, { kind: 'postgres' }>> => {
  if (server === undefined) throw new Error('the PostgreSQL server does not run');
  return { kind: 'postgres', url: await server.createDatabase(`models-${(count += 1)}`) };
};

beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server?.stop());

describeReadModels('PostgreSQL', async ({ log, feed }) => {
  const logger = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const running = await startReadModels({ database: await newDatabase(), log, feed, logger });
  return { models: running.queries, close: () => running.stop() };
});
describeRunningReadModels('PostgreSQL', newDatabase);
describeParking('PostgreSQL', newDatabase);
describeRebuilds('PostgreSQL', newDatabase);

describe('read models in PostgreSQL', () => {
  const logger = { info: () => undefined, warn: () => undefined, error: () => undefined };

  it('are set up once by processes that start together', async () => {
    const { log, feed } = await recordHistory({ apps: 2, turns: 5 });
    const database = await newDatabase();
    const all = await Promise.all(
      [1, 2, 3].map(() => startReadModels({ database, log, feed, logger })),
    );
    for (const models of all) expect(await models.queries.apps()).toHaveLength(2);
    for (const models of all) await models.stop();
  });

  it('never show the password of an address that does not answer', async () => {
    const { log, feed } = await recordHistory({ apps: 1, turns: 1 });
    const url = 'postgres://ann:hunter2@127.0.0.1:1/models';
    const started = startReadModels({ database: { kind: 'postgres', url }, log, feed, logger });
    await expect(started).rejects.toMatchObject({
      code: 'read-models-unavailable',
      message: 'opening postgres://127.0.0.1:1/models',
    });
  });
});
