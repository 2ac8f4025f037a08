import { Inject } from '@nestjs/common';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { raceJitter, type CommandContext } from '@shiplog/commands';
import type { ProcessContext } from '@shiplog/runtime';
import { KeyMissingError, type Keyring } from '@shiplog/secrets';
import type { Change, Changes } from '../changes/changes.js';
import { Problem } from '../http/problem.js';
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

/** More racers than this on the config of one app is a loop of somebody. */
const ATTEMPTS_MAX = 50;

/**
 * Encrypts, because values enter the log only encrypted. The aggregate cannot see whether two
 * encrypted values are the same, so what does not change is left out here, against exactly the
 * revision it was compared with.
 */
@CommandHandler(ChangeConfig)
export class ChangeConfigHandler implements ICommandHandler<ChangeConfig> {
  constructor(
    @Inject(CHANGES) private readonly changes: Changes,
    @Inject(KEYRING) private readonly keyring: Keyring,
    @Inject(CONTEXT) private readonly api: Pick<ProcessContext, 'world' | 'feed'>,
  ) {}

  async execute(command: ChangeConfig): Promise<Change<'app'>> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.attempt(command);
      } catch (error) {
        const lostRace = error instanceof Problem && error.code === 'revision-conflict';
        const mayDecideAgain = command.context.expectedRevision === undefined;
        if (!lostRace || !mayDecideAgain || attempt === ATTEMPTS_MAX) throw error;
        await raceJitter(attempt);
        await this.api.feed.catchUp();
      }
    }
  }

  private async attempt({ appId, set, unset, context }: ChangeConfig): Promise<Change<'app'>> {
    const { state, revision } = this.api.world.get('app', appId);
    const current = state.status === 'active' ? state.config : {};
    const changed: Record<string, string> = {};
    for (const [key, value] of Object.entries(set)) {
      if (await this.isSame(appId, current[key], value)) continue;
      changed[key] = await this.keyring.encrypt(appId, value);
    }
    const baseVersion = this.api.world.liveOf(appId)?.release.version ?? null;
    // A key both set and unset is set.
    const gone = unset.filter((key) => !Object.hasOwn(set, key));
    return this.changes.make(
      'app',
      appId,
      { type: 'ChangeConfig', set: changed, unset: gone, baseVersion },
      { ...context, expectedRevision: context.expectedRevision ?? revision },
    );
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
