import { Controller, Inject, Res } from '@nestjs/common';
import type { BackupState } from '@shiplog/domain';
import type { ProcessContext } from '@shiplog/runtime';
import type { Response } from 'express';
import { z } from 'zod';
import { sequenceAt, type Reply } from '../http/answer.js';
import type { Admitted } from '../http/door.js';
import { sendLines } from '../http/ndjson.js';
import { Problem } from '../http/problem.js';
import { Admission, Handles } from '../http/route.decorator.js';
import { CONTEXT } from '../injection.js';
import { backupLines, linesFrom } from './backup-lines.js';
import * as routes from './backups.routes.js';

const started = z.object({
  backupId: z.string(),
  target: z.string(),
  position: z.string(),
  recoveryKey: z.object({ recipient: z.string(), file: z.string().nullable() }),
});
const verifying = z.object({ backupId: z.string() });
const changed = z.object({ position: z.string() });

/** Opening a place can take a while: a disk that spins up, a bucket that is far away. */
const TARGET_TIMEOUT_MS = 30_000;

/** What is saved and read back is the business of the backup process: it alone writes its stream. */
@Controller()
export class BackupsController {
  constructor(@Inject(CONTEXT) private readonly api: ProcessContext) {}

  @Handles(routes.listBackups)
  async list(
    @Admission() { query }: Admitted<typeof routes.listBackups>,
  ): Reply<typeof routes.listBackups> {
    const answer = await this.ask('list', { target: query.target });
    return { body: routes.backups.parse(answer), position: this.api.world.position };
  }

  @Handles(routes.createBackup)
  async create(
    @Admission() { body, context }: Admitted<typeof routes.createBackup>,
  ): Reply<typeof routes.createBackup> {
    const { actor, origin, reason, command } = context;
    const input = { ...body, context: { actor, origin, reason, command } };
    const { position, ...answer } = started.parse(await this.ask('create', input));
    await this.api.feed.reach(position);
    return { body: { sequence: sequenceAt(position), ...answer }, position };
  }

  @Handles(routes.verifyBackup)
  async verify(
    @Admission() { body }: Admitted<typeof routes.verifyBackup>,
  ): Reply<typeof routes.verifyBackup> {
    const { backupId } = verifying.parse(await this.ask('verify', body));
    return { body: { backupId, job: `verify-${backupId}` }, position: this.api.world.position };
  }

  @Handles(routes.backupProgress)
  async progress(
    @Admission() { params, caller }: Admitted<typeof routes.backupProgress>,
    @Res() response: Response,
  ): Promise<void> {
    const { job } = params;
    const isKnown = this.state().backups.some(({ backupId }) => backupId === job);
    if (!isKnown && (await linesFrom(this.api, job, 0)) === undefined) {
      throw new Problem('backup-not-found', `Nothing is known of "${job}" any more.`);
    }
    const { bus, feed, world } = this.api;
    const api = { bus, feed, state: () => this.state() };
    await sendLines(response, { world, caller }, (signal) => backupLines(api, job, signal));
  }

  @Handles(routes.showBackupPolicy)
  showPolicy(): Reply<typeof routes.showBackupPolicy> {
    return Promise.resolve({ body: this.state().policy, position: this.api.world.position });
  }

  @Handles(routes.changeBackupPolicy)
  async changePolicy(
    @Admission() { body, context }: Admitted<typeof routes.changeBackupPolicy>,
  ): Reply<typeof routes.changeBackupPolicy> {
    const { actor, origin, reason, command } = context;
    const input = { ...body, context: { actor, origin, reason, command } };
    const { position } = changed.parse(await this.ask('policy', input));
    await this.api.feed.reach(position);
    return { body: { sequence: sequenceAt(position), ...this.state().policy }, position };
  }

  private state(): BackupState {
    return this.api.world.get('backup', this.api.config.nodeId).state;
  }

  private ask(operation: string, input: unknown): Promise<unknown> {
    return this.api.bus.request('backup', operation, input, { timeoutMs: TARGET_TIMEOUT_MS });
  }
}
