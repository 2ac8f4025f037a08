import { Inject } from '@nestjs/common';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { CommandContext } from '@shiplog/commands';
import type { ProcessContext } from '@shiplog/runtime';
import { KeyMissingError, type Keyring } from '@shiplog/secrets';
import type { Change, Changes } from '../changes/changes.js';
import { CHANGES, CONTEXT, KEYRING } from '../injection.js';

export class ChangeConfig extends Command<Change<'app'>> {
  constructor(
    readonly appId: string,
    /** Plain values: they go no further than the handler. */
    readonly set: Readonly<Record<string, string>>,
    readonly unset: readonly string[],
    readonly context: CommandContext,
  ) {
    super();
  }
}

/**
 * Encrypts, because values enter the log only encrypted. The aggregate cannot see whether two
 * encrypted values are the same, so what does not change is left out here, compared with the state
 * that the command is decided on.
 */
@CommandHandler(ChangeConfig)
export class ChangeConfigHandler implements ICommandHandler<ChangeConfig> {
  constructor(
    @Inject(CHANGES) private readonly changes: Changes,
    @Inject(KEYRING) private readonly keyring: Keyring,
    @Inject(CONTEXT) private readonly api: Pick<ProcessContext, 'world'>,
  ) {}

  execute({ appId, set, unset, context }: ChangeConfig): Promise<Change<'app'>> {
    // A key both set and unset is set.
    const gone = unset.filter((key) => !Object.hasOwn(set, key));
    return this.changes.make(
      'app',
      appId,
      async (state) => ({
        type: 'ChangeConfig',
        set: await this.changed(appId, state.status === 'active' ? state.config : {}, set),
        unset: gone,
        baseVersion: this.api.world.liveOf(appId)?.release.version ?? null,
      }),
      context,
    );
  }

  /** What of `set` differs from the config there is, encrypted. */
  private async changed(
    appId: string,
    current: Readonly<Record<string, string>>,
    set: Readonly<Record<string, string>>,
  ): Promise<Record<string, string>> {
    const changed: Record<string, string> = {};
    for (const [key, value] of Object.entries(set)) {
      if (await this.isSame(appId, own(current, key), value)) continue;
      changed[key] = await this.keyring.encrypt(appId, value);
    }
    return changed;
  }

  private async isSame(appId: string, stored: string | undefined, value: string): Promise<boolean> {
    if (stored === undefined) return false;
    try {
      return (await this.keyring.decrypt(appId, stored)) === value;
    } catch (error) {
      // The key was lost: setting values again is the way out of it.
      if (error instanceof KeyMissingError) return false;
      throw error;
    }
  }
}

/** `constructor` is found in every object; keys come from users. */
const own = (config: Readonly<Record<string, string>>, key: string): string | undefined =>
  Object.hasOwn(config, key) ? config[key] : undefined;
