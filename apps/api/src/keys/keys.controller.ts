import { Controller, Inject } from '@nestjs/common';
import { KEYS_ID, type World } from '@shiplog/domain';
import type { LogFeed } from '@shiplog/events/log';
import type { ProcessContext } from '@shiplog/runtime';
import { newMasterKeyId, type KeyFacts, type PlatformKeyStore } from '@shiplog/secrets';
import type { Changes } from '../changes/changes.js';
import { sequenceAt, type Reply } from '../http/answer.js';
import type { Admitted } from '../http/door.js';
import { Admission, Handles } from '../http/route.decorator.js';
import { CHANGES, CONTEXT, KEY_STORE } from '../injection.js';
import * as routes from './keys.routes.js';

/** A rotation that is not done by then goes on without the caller. */
const ROTATION_PATIENCE_MS = 20_000;

@Controller()
export class KeysController {
  constructor(
    @Inject(CONTEXT) private readonly api: ProcessContext,
    @Inject(CHANGES) private readonly changes: Changes,
    @Inject(KEY_STORE) private readonly keys: PlatformKeyStore,
  ) {}

  @Handles(routes.listKeys)
  async list(): Reply<typeof routes.listKeys> {
    const { world } = this.api;
    const { master } = this.keys.store;
    const [[current], keys] = await Promise.all([master.facts(), this.all()]);
    const body = {
      masterKey: current === undefined ? null : { ...current, file: master.file },
      rotatingTo: world.get('keys', KEYS_ID).state.rotation?.keyId ?? null,
      keys: keys.map((key) => ({ name: nameOf(world, key), ...key })),
    };
    return { body, position: world.position };
  }

  private async all(): Promise<readonly KeyOf[]> {
    const lists = this.keys.store.keyrings.map(async (keyring) =>
      (await keyring.list()).map((key) => ({ kind: keyring.of, ...key })),
    );
    return (await Promise.all(lists)).flat();
  }

  /** What could stop it half-way is found before it is asked for. */
  @Handles(routes.rotateMasterKey)
  async rotate(
    @Admission() { context }: Admitted<typeof routes.rotateMasterKey>,
  ): Reply<typeof routes.rotateMasterKey> {
    const { world, feed } = this.api;
    if (this.changes.known(context) === undefined) await this.keys.store.requireRotatable();
    const [current] = await this.keys.store.master.facts();
    const previousKeyId = current?.id ?? null;
    const command = { type: 'RequestRotation', keyId: newMasterKeyId(), previousKeyId } as const;
    const { position } = await this.changes.make('keys', KEYS_ID, command, context);
    const done = await rotated(world, feed);
    const { masterKeyId, rotation } = world.get('keys', KEYS_ID).state;
    const body = {
      sequence: sequenceAt(position),
      masterKeyId: rotation?.keyId ?? masterKeyId ?? command.keyId,
      previousMasterKeyId: rotation === null ? previousKeyId : rotation.previousKeyId,
      keys: (await this.all()).length,
      done,
    };
    return { body, position };
  }
}

interface KeyOf extends KeyFacts {
  readonly kind: string;
}

/** Of an app. People are known by their ids: a key outlives what their name stands for. */
const nameOf = (world: World, { kind, id }: KeyOf): string | null =>
  kind === 'app' ? (world.app(id)?.name ?? null) : null;

/** The process manager does it; false when the time was up before. */
const rotated = (world: World, feed: LogFeed): Promise<boolean> =>
  new Promise((resolve) => {
    const answer = (isDone: boolean): void => {
      clearTimeout(timer);
      unsubscribe();
      resolve(isDone);
    };
    const look = (): void => {
      if (world.get('keys', KEYS_ID).state.rotation === null) answer(true);
    };
    const timer = setTimeout(() => answer(false), ROTATION_PATIENCE_MS);
    const unsubscribe = feed.onBatch(look);
    look();
  });
