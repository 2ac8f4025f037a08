import { Inject } from '@nestjs/common';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import type { World } from '@shiplog/domain';
import { toSequence, type Sequence } from '@shiplog/events';
import type { ProcessContext } from '@shiplog/runtime';
import type { z } from 'zod';
import type { Caller } from '../auth/caller.js';
import { CONTEXT, PERSONS } from '../injection.js';
import type { SealedEntry } from './audit-entry.js';
import { maySeeOrigin, type AuditFilter } from './audit-filter.js';
import type { auditEntry } from './audit.routes.js';
import type { Persons } from './persons.js';
import { readAudit, type AuditRange } from './read-audit.js';

type AuditEntry = z.infer<typeof auditEntry>;
interface ShownPage {
  readonly entries: AuditEntry[];
  readonly next: Sequence | null;
}

export class ReadAudit extends Query<ShownPage> {
  constructor(
    readonly filter: AuditFilter,
    readonly range: AuditRange,
    readonly limit: number,
  ) {
    super();
  }
}

/**
 * From the log itself (decision record 0008): what is shown is what was recorded, not what a table says
 * of it.
 */
@QueryHandler(ReadAudit)
export class ReadAuditHandler implements IQueryHandler<ReadAudit> {
  constructor(
    @Inject(CONTEXT) private readonly api: Pick<ProcessContext, 'log' | 'world'>,
    @Inject(PERSONS) private readonly persons: Persons,
  ) {}

  async execute({ filter, range, limit }: ReadAudit): Promise<ShownPage> {
    const { entries, next } = await readAudit(this.api, filter, range, limit);
    return {
      entries: await Promise.all(entries.map((entry) => this.show(entry, filter.caller))),
      next: next === null ? null : toSequence(next, 0),
    };
  }

  private async show(entry: SealedEntry, caller: Caller): Promise<AuditEntry> {
    const { world } = this.api;
    const { position: _position, sealer, origin, actor, actions, keys, ...shown } = entry;
    const from = maySeeOrigin(entry, caller) ? await this.persons.open(sealer, origin) : null;
    return {
      ...shown,
      ...actorOf(actor),
      ...tokenOf(world, origin?.tokenId ?? null),
      actions: [...actions],
      keys: [...keys],
      address: from?.address ?? null,
      userAgent: from?.userAgent ?? null,
      app: entry.appId === null ? null : appNameOf(world, entry.appId),
    };
  }
}

const actorOf = (actor: SealedEntry['actor']) => ({
  actor: actor?.name ?? null,
  actorId: actor?.id ?? null,
  actorKind: actor?.kind ?? null,
});

const tokenOf = (world: World, tokenId: string | null) => ({
  token: tokenId === null ? null : tokenNameOf(world, tokenId),
  tokenId,
});

const tokenNameOf = (world: World, tokenId: string): string | null => {
  const { state } = world.get('token', tokenId);
  return state.status === 'none' ? null : state.name;
};

const appNameOf = (world: World, appId: string): string | null => {
  const { state } = world.get('app', appId);
  return state.status === 'none' ? null : state.name;
};
