import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import {
  CheckpointFile,
  CheckpointTable,
  type CheckpointDatabase,
  type CopyState,
  type TestifyingStore,
  type Testimony,
} from '@shiplog/integrity';
import { describeError, pathsOf, type PlatformConfig } from '@shiplog/runtime';
import type { NamedTestimony } from './verify.js';

/** Who keeps the checkpoints of a platform and can be asked for them. */
export interface CheckpointStores {
  readonly table: CheckpointTable;
  readonly file: CheckpointFile;
  /** Witnesses that the platform only adds to. */
  readonly elsewhere: readonly TestifyingStore[];
}

export const openCheckpointStores = async (config: PlatformConfig): Promise<CheckpointStores> => {
  const home = pathsOf(config.home).integrity;
  await mkdir(home, { recursive: true, mode: 0o700 });
  const { directory } = config.integrity;
  return {
    table: await CheckpointTable.open(databaseIn(config, home)),
    file: new CheckpointFile('file', join(home, 'checkpoints.ndjson')),
    elsewhere:
      directory === undefined
        ? []
        : [new CheckpointFile(directory, join(directory, 'checkpoints.ndjson'), false)],
  };
};

/** What all of them testify to. `copies`: what each was given by now, asked before this. */
export const testimoniesOf = async (
  { table, file, elsewhere }: CheckpointStores,
  copies: readonly CopyState[],
): Promise<readonly NamedTestimony[]> => {
  const all: NamedTestimony[] = [];
  for (const store of [table, file, ...elsewhere]) {
    const { name } = store;
    const { sealed, problem } = await testimonyOf(store);
    const given = copies.find((copy) => copy.name === name);
    all.push({
      name,
      isOwn: !elsewhere.includes(store),
      sealed,
      problem: problem ?? (sealed.length === 0 ? whyEmpty(given) : undefined),
    });
  }
  return all;
};

/** One that cannot be asked says nothing, and that is told: the others are heard all the same. */
const testimonyOf = (store: TestifyingStore): Promise<Testimony> =>
  store.testimony().catch((error: unknown) => ({
    sealed: [],
    problem: `it cannot be read: ${describeError(error)}`,
  }));

/** Undefined where nothing is wrong with that: it was not given any yet. */
const whyEmpty = (given: CopyState | undefined): string | undefined => {
  if (given === undefined) return undefined;
  const { problem, number } = given;
  if (problem !== null) return `it holds no checkpoint, and cannot be given any: ${problem}`;
  return (number ?? 0) > 0 ? `it holds no checkpoint, and had them up to ${number}` : undefined;
};

/** SQLite: a file of its own, which survives whoever deletes the read models. */
const databaseIn = ({ databaseUrl: url }: PlatformConfig, home: string): CheckpointDatabase =>
  url === undefined
    ? { kind: 'sqlite', file: join(home, 'checkpoints.sqlite') }
    : { kind: 'postgres', url };
