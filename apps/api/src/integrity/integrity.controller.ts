import { Controller, Inject, Res } from '@nestjs/common';
import { exportLine } from '@shiplog/events/log';
import { exportEnd, exportHead, sealedLine } from '@shiplog/integrity';
import type { RunningReadModels } from '@shiplog/read-models';
import type { ProcessContext } from '@shiplog/runtime';
import type { Response } from 'express';
import { isStillUsable, type Caller } from '../auth/caller.js';
import type { Reply } from '../http/answer.js';
import type { Admitted } from '../http/door.js';
import { streamTo } from '../http/line-stream.js';
import { sendLines } from '../http/ndjson.js';
import { Admission, Handles } from '../http/route.decorator.js';
import { CHECKPOINTS, CONTEXT, READ_MODELS } from '../injection.js';
import type { Checkpoints } from './checkpoints.js';
import * as routes from './integrity.routes.js';
import { storedUpTo } from './stored-up-to.js';
import { verifyAside, type VerifyJob } from './verify-aside.js';

@Controller()
export class IntegrityController {
  constructor(
    @Inject(CONTEXT) private readonly api: ProcessContext,
    @Inject(CHECKPOINTS) private readonly checkpoints: Checkpoints,
    @Inject(READ_MODELS) private readonly readModels: Pick<RunningReadModels, 'checkpoint'>,
  ) {}

  @Handles(routes.verifyLogRoute)
  async verify(
    @Admission() { caller, query }: Admitted<typeof routes.verifyLogRoute>,
    @Res() response: Response,
  ): Promise<void> {
    const { world } = this.api;
    const { keeper, stores } = this.checkpoints;
    const job: VerifyJob = {
      copies: keeper.state.copies,
      memories: [{ name: 'the read models', ...this.readModels.checkpoint() }],
      pin: query.key,
    };
    await sendLines(response, { world, caller }, (signal) =>
      verifyAside(this.api, stores, job, signal),
    );
  }

  @Handles(routes.exportLogRoute)
  async export(
    @Admission() { caller }: Admitted<typeof routes.exportLogRoute>,
    @Res() response: Response,
  ): Promise<void> {
    const options = {
      contentType: 'application/x-ndjson; charset=utf-8',
      // Nothing but the log stands in it.
      heartbeat: '',
      mayGoOn: () => this.mayGoOn(caller),
    };
    await streamTo(response, options, () => this.exported());
  }

  @Handles(routes.showSigning)
  async signing(): Reply<typeof routes.showSigning> {
    return this.shown();
  }

  @Handles(routes.rotateSigningKey)
  async rotate(): Reply<typeof routes.rotateSigningKey> {
    await this.checkpoints.keeper.rotateKey();
    return this.shown();
  }

  private async shown() {
    const { newest, copies, problem } = this.checkpoints.keeper.state;
    const [first] = await this.checkpoints.stores.table.after(0, 1);
    const body = {
      firstKey: first?.checkpoint.key ?? null,
      key: newest === null ? null : (newest.nextKey ?? newest.key),
      newest:
        newest === null
          ? null
          : { number: newest.number, time: newest.time, commits: newest.total },
      copies: copies.map((copy) => ({ ...copy })),
      problem,
    };
    return { body, position: this.api.feed.position };
  }

  private async *exported(): AsyncGenerator<string> {
    const { log, config } = this.api;
    yield `${exportHead(config.platform, log.isDense)}\n`;
    for (const sealed of await this.checkpoints.exported()) yield `${sealedLine(sealed)}\n`;
    let commits = 0;
    for await (const batch of storedUpTo(log, await log.head())) {
      commits += batch.length;
      yield batch.map((commit) => `${exportLine(commit)}\n`).join('');
    }
    yield `${exportEnd(commits)}\n`;
  }

  private mayGoOn(caller: Caller): boolean {
    return isStillUsable(this.api.world, caller, Date.now());
  }
}
