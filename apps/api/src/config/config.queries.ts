import { Inject } from '@nestjs/common';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import type { ReadModels } from '@shiplog/read-models';
import type { Keyring } from '@shiplog/secrets';
import { appDocument } from '../apps/apps.queries.js';
import { problemOf } from '../http/rejection-problem.js';
import { KEYRING } from '../injection.js';

interface ConfigEntry {
  readonly key: string;
  readonly value: string;
}

export class ListConfig extends Query<ConfigEntry[]> {
  constructor(
    readonly documents: ReadModels,
    readonly appId: string,
  ) {
    super();
  }
}

@QueryHandler(ListConfig)
export class ListConfigHandler implements IQueryHandler<ListConfig> {
  constructor(@Inject(KEYRING) private readonly keyring: Keyring) {}

  async execute({ documents, appId }: ListConfig) {
    const { config } = await appDocument(documents, appId);
    return Promise.all(
      Object.entries(config)
        .toSorted(([a], [b]) => (a < b ? -1 : 1))
        .map(async ([key, value]) => ({ key, value: await this.keyring.decrypt(appId, value) })),
    );
  }
}

export class ShowConfig extends Query<ConfigEntry> {
  constructor(
    readonly documents: ReadModels,
    readonly appId: string,
    readonly key: string,
  ) {
    super();
  }
}

@QueryHandler(ShowConfig)
export class ShowConfigHandler implements IQueryHandler<ShowConfig> {
  constructor(@Inject(KEYRING) private readonly keyring: Keyring) {}

  async execute({ documents, appId, key }: ShowConfig) {
    const { config } = await appDocument(documents, appId);
    const value = Object.hasOwn(config, key) ? config[key] : undefined;
    if (value === undefined) throw problemOf({ code: 'config-key-not-set', key });
    return { key, value: await this.keyring.decrypt(appId, value) };
  }
}
