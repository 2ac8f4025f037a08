import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  chainOf,
  CheckpointKeeper,
  CheckpointWebhook,
  commitCount,
  commonPart,
  contradicted,
  contradictionOf,
  COMMITS_MAX,
  INTERVAL_MS,
  KeyFile,
  refill,
  type CheckpointStore,
} from '@shiplog/integrity';
import { pathsOf, type PlatformConfig, type ProcessContext } from '@shiplog/runtime';
import { openCheckpointStores, type CheckpointStores } from './checkpoint-stores.js';

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
    readonly stores: CheckpointStores,
    private readonly webhooks: readonly CheckpointStore[],
  ) {}

  /** Refuses a log that is not the one that the checkpoints testify to, unless an operator accepts it. */
  static async open(context: CheckpointContext): Promise<Checkpoints> {
    const { config, log, logger } = context;
    const stores = await openCheckpointStores(config);
    const { table, file, elsewhere } = stores;
    try {
      const home = pathsOf(config.home).integrity;
      const webhooks = await webhooksOf(config, home);
      const keeper = new CheckpointKeeper({
        log,
        table,
        copies: [file, ...elsewhere, ...webhooks],
        keys: new KeyFile(join(home, 'signing.key')),
        platform: config.platform,
        logger,
      });
      const checkpoints = new Checkpoints(keeper, context, stores, webhooks);
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

  /** The checkpoints as they are exported with the log. */
  exported(): ReturnType<CheckpointStore['after']> {
    return this.stores.table.after(0);
  }

  async stop(): Promise<void> {
    this.unfollow();
    clearInterval(this.timer);
    await this.keeper.cutAll();
    await this.close();
  }

  private async close(): Promise<void> {
    const { table, file, elsewhere } = this.stores;
    const all = [table, file, ...elsewhere, ...this.webhooks];
    await Promise.all(all.map((store) => store.close()));
  }

  private cut(): void {
    this.sinceCut = 0;
    void this.keeper.cut();
  }

  private async refuseOther(): Promise<void> {
    const { log, config, logger } = this.context;
    const { table, file, elsewhere } = this.stores;
    const store = await contradictionOf(log, [...elsewhere, table, file]);
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
    const { file, elsewhere } = this.stores;
    for (const store of [file, ...elsewhere]) await this.adopt(store);
  }

  /** Takes over what a store has and SQL has not, as far as it is one chain with what SQL has. */
  private async adopt(store: CheckpointStore): Promise<void> {
    const { table } = this.stores;
    if (store === table) return;
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

const webhooksOf = async (
  { integrity: { webhook } }: PlatformConfig,
  home: string,
): Promise<readonly CheckpointStore[]> => {
  if (webhook === undefined) return [];
  const secret = (await readFile(webhook.secretFile, 'utf8')).trim();
  const deliveredFile = join(home, 'webhook-delivered.json');
  return [new CheckpointWebhook({ url: webhook.url, secret, deliveredFile })];
};
