import { Inject } from '@nestjs/common';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { CommandContext } from '@shiplog/commands';
import type { Keyring } from '@shiplog/secrets';
import type { Change, Changes } from '../changes/changes.js';
import { CHANGES, KEYRING } from '../injection.js';
import { hashPassword } from './password-hash.js';

export interface BasicAuthRequest {
  /** Plain passwords by name: they go no further than the handler. */
  readonly set: Readonly<Record<string, string>>;
  readonly unset: readonly string[];
  readonly passesHeader?: boolean | undefined;
  readonly open: boolean;
}

export class ChangeBasicAuth extends Command<Change<'app'>> {
  constructor(
    readonly appId: string,
    readonly request: BasicAuthRequest,
    readonly context: CommandContext,
  ) {
    super();
  }
}

/** Hashes and encrypts: nothing else of a password enters the log. */
@CommandHandler(ChangeBasicAuth)
export class ChangeBasicAuthHandler implements ICommandHandler<ChangeBasicAuth> {
  constructor(
    @Inject(CHANGES) private readonly changes: Changes,
    @Inject(KEYRING) private readonly keyring: Keyring,
  ) {}

  execute({ appId, request, context }: ChangeBasicAuth): Promise<Change<'app'>> {
    const { set: passwords, unset, passesHeader, open } = request;
    return this.changes.make(
      'app',
      appId,
      async () => {
        const set: Record<string, string> = {};
        for (const [user, password] of Object.entries(passwords)) {
          set[user] = await this.keyring.encrypt(appId, hashPassword(password));
        }
        return { type: 'ChangeBasicAuth', set, unset, passesHeader, opens: open };
      },
      context,
    );
  }
}
