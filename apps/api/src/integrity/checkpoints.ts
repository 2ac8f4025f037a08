import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  chainOf,
  CheckpointFile,
  CheckpointKeeper,
  CheckpointTable,
  CheckpointWebhook,
  commitCount,
  commonPart,
  contradicted,
  contradictionOf,
  COMMITS_MAX,
  INTERVAL_MS,
  KeyFile,
  refill,
  type CheckpointDatabase,
  type CopyState,
  type CheckpointStore,
  type TestifyingStore,
} from '@shiplog/integrity';
import { pathsOf, type PlatformConfig, type ProcessContext } from '@shiplog/runtime';
import type { NamedTestimony } from './verify.js';

type CheckpointContext = Pick<ProcessContext, 'config' | 'log' | 'feed' | 'logger'>;

/** How often it is looked whether the newest checkpoint is old. */
const LOOK_MS = 30_000;

/** The signed checkpoints of this platform: where they are kept, and that there are always new ones. */
export class Checkpoints {
  private sinceCut = 0;
  private unfollow = (): void => undefined;
  private timer: NodeJS.Timeout | undefined;

  private constructor(
    readonly keeper: CheckpointKeeper,
    private readonly context: CheckpointContext,
    private readonly own: readonly TestifyingStore[],
    private readonly elsewhere: readonly TestifyingStore[],
    private readonly all: readonly CheckpointStore[],
  ) {}

  /** Refuses a log that is not the one that the checkpoints testify to, unless an operator accepts it. */
  static async open(context: CheckpointContext): Promise<Checkpoints> {
    const { config, log, logger } = context;
    const home = pathsOf(config.home).integrity;
    await mkdir(home, { recursive: true, mode: 0o700 });
    const table = await CheckpointTable.open(databaseIn(config, home));
    try {
      const file = new CheckpointFile('file', join(home, 'checkpoints.ndjson'));
      const { directory } = config.integrity;
      const elsewhere =
        directory === undefined
          ? []
          : [new CheckpointFile(directory, join(directory, 'checkpoints.ndjson'), false)];
      const webhooks = await webhooksOf(config, home);
      const keeper = new CheckpointKeeper({
        log,
        table,
        copies: [file, ...elsewhere, ...webhooks],
        keys: new KeyFile(join(home, 'signing.key')),
        platform: config.platform,
        logger,
      });
      const own = [table, file];
      const all = [...own, ...elsewhere, ...webhooks];
      const checkpoints = new Checkpoints(keeper, context, own, elsewhere, all);
      await checkpoints.refuseOther();
      await checkpoints.recover();
      return checkpoints;
    } catch (error) {
      await table.close();
      throw error;
    }
  }

  /** The refusal alone: before any process of the platform acts on this log. */
  static async fence(context: CheckpointContext): Promise<void> {
    await (await Checkpoints.open(context)).close();
  }

  /** Signs on from here, beside whatever else happens. */
  start(): void {
    this.unfollow = this.context.feed.onBatch((batch) => {
      this.sinceCut += batch.length;
      if (this.sinceCut >= COMMITS_MAX) this.cut();
    });
    this.timer = setInterval(() => {
      const { newest, problem, copies } = this.keeper.state;
      const isOld = newest === null || Date.now() - Date.parse(newest.time) >= INTERVAL_MS;
      const isBehind = problem !== null || copies.some((copy) => copy.problem !== null);
      if (isOld || isBehind) this.cut();
    }, LOOK_MS).unref();
    this.cut();
  }

  /** What everybody who keeps checkpoints testifies to. */
  async testimonies(): Promise<readonly NamedTestimony[]> {
    const all: NamedTestimony[] = [];
    for (const store of [...this.own, ...this.elsewhere]) {
      const { name } = store;
      // Before it is read: what it was given by then is there.
      const given = this.keeper.state.copies.find((copy) => copy.name === name);
      const { sealed, problem } = await store.testimony();
      all.push({
        name,
        isOwn: this.own.includes(store),
        sealed,
        problem: problem ?? (sealed.length === 0 ? whyEmpty(given) : undefined),
      });
    }
    return all;
  }

  /** The checkpoints as they are exported with the log. */
  exported(): ReturnType<CheckpointStore['after']> {
    return this.own[0]?.after(0) ?? Promise.resolve([]);
  }

  async stop(): Promise<void> {
    this.unfollow();
    clearInterval(this.timer);
    await this.keeper.cutAll();
    await this.close();
  }

  private async close(): Promise<void> {
    await Promise.all(this.all.map((store) => store.close()));
  }

  private cut(): void {
    this.sinceCut = 0;
    void this.keeper.cut();
  }

  private async refuseOther(): Promise<void> {
    const { log, config, logger } = this.context;
    const store = await contradictionOf(log, [...this.elsewhere, ...this.own]);
    if (store === undefined) return;
    const error = await contradicted(log, store);
    if (error === undefined) return;
    const { acceptLog } = config.integrity;
    if (acceptLog === undefined || acceptLog !== (await commitCount(log))) throw error;
    await this.adopt(store);
    const accepted = await this.keeper.accept(await commonPart(log, store));
    logger.warn({ accepted: accepted.reset, checkpoint: accepted.number }, 'log-accepted');
  }

  /** Where SQL or the file was lost, the other one has it, or a witness. */
  private async recover(): Promise<void> {
    const [table, file] = this.own;
    if (table === undefined || file === undefined) return;
    for (const store of [file, ...this.elsewhere]) await this.adopt(store);
  }

  /** Takes over what a store has and SQL has not, as far as it is one chain with what SQL has. */
  private async adopt(store: CheckpointStore): Promise<void> {
    const [table] = this.own;
    if (table === undefined || store === table) return;
    const newest = (await table.newest())?.checkpoint.number ?? 0;
    if (((await store.newest())?.checkpoint.number ?? 0) <= newest) return;
    const joined = [...(await table.after(0)), ...(await store.after(newest))];
    const { problem } = chainOf(joined);
    const { logger } = this.context;
    if (problem !== undefined) {
      logger.warn({ store: store.name, problem }, 'checkpoints-not-taken-over');
      return;
    }
    const checkpoints = await refill(table, store);
    logger.warn({ from: store.name, checkpoints }, 'checkpoints-taken-over');
  }
}

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

const webhooksOf = async (
  { integrity: { webhook } }: PlatformConfig,
  home: string,
): Promise<readonly CheckpointStore[]> => {
  if (webhook === undefined) return [];
  const secret = (await readFile(webhook.secretFile, 'utf8')).trim();
  const deliveredFile = join(home, 'webhook-delivered.json');
  return [new CheckpointWebhook({ url: webhook.url, secret, deliveredFile })];
};
