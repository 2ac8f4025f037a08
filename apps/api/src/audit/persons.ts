import { createHash } from 'node:crypto';
import type { World } from '@shiplog/domain';
import type { Origin } from '@shiplog/events';
import { describeError, type Logger } from '@shiplog/runtime';
import type { Keyring } from '@shiplog/secrets';

/** Stands where something was sealed whose key is gone. */
export const ERASED = '[erased]';

/** From where somebody called, as it came. Never leaves this process but sealed. */
export interface CalledFrom {
  readonly tokenId: string | null;
  readonly address: string | null;
  readonly userAgent: string | null;
}

/** Whose key something is sealed with: a person's, or that of all strangers of one day. */
export type Sealer =
  | { readonly kind: 'person'; readonly userId: string }
  | { readonly kind: 'strangers'; readonly day: string };

interface PersonsParts {
  /** In a directory of its own: nobody but the api reads it. */
  readonly keyring: Pick<Keyring, 'encrypt' | 'decrypt' | 'shred'>;
  readonly world: Pick<World, 'get'>;
  readonly logger: Pick<Logger, 'warn'>;
}

/**
 * Seals what is personal before it enters the log, and opens it for who may see it. One key per person:
 * when it is deleted, everything sealed with it is unreadable in every copy of the log, and the log's
 * bytes and hashes stay as they are.
 */
export class Persons {
  constructor(private readonly parts: PersonsParts) {}

  /** A change must not fail because its origin cannot be sealed: then nothing personal is kept of it. */
  async seal(sealer: Sealer, { tokenId, address, userAgent }: CalledFrom): Promise<Origin> {
    const { keyring, logger } = this.parts;
    const keyId = this.keyIdOf(sealer);
    const sealed = async (text: string | null): Promise<string | null> =>
      text === null ? null : keyring.encrypt(keyId, text);
    try {
      return { tokenId, address: await sealed(address), userAgent: await sealed(userAgent) };
    } catch (error) {
      logger.warn({ error: describeError(error) }, 'origin-not-sealed');
      return { tokenId, address: null, userAgent: null };
    }
  }

  /** What logs of earlier releases hold unsealed is given as it is. */
  async open(sealer: Sealer | null, origin: Origin | null): Promise<CalledFrom | null> {
    if (origin === null) return null;
    const keyId = sealer === null ? null : this.keyIdOf(sealer);
    const opened = async (text: string | null): Promise<string | null> => {
      if (text === null || !SEALED.test(text)) return text;
      if (keyId === null) return ERASED;
      // No key, or a new one since it was erased: either way nobody reads it any more.
      return this.parts.keyring.decrypt(keyId, text).catch(() => ERASED);
    };
    const [address, userAgent] = [await opened(origin.address), await opened(origin.userAgent)];
    return { tokenId: origin.tokenId, address, userAgent };
  }

  /** Deletes every key that a person had before their `erasures`-th erasure. On repetition nothing happens. */
  async erase(userId: string, erasures: number): Promise<void> {
    for (let n = 0; n < erasures; n += 1) await this.parts.keyring.shred(keyIdOf(userId, n));
  }

  async eraseStrangers(day: string): Promise<void> {
    await this.parts.keyring.shred(strangersKey(day));
  }

  private keyIdOf(sealer: Sealer): string {
    if (sealer.kind === 'strangers') return strangersKey(sealer.day);
    const { state } = this.parts.world.get('user', sealer.userId);
    return keyIdOf(sealer.userId, state.status === 'active' ? state.erasures : 0);
  }
}

const SEALED = /^enc\d+\.[A-Za-z0-9_.-]+$/;

const strangersKey = (day: string): string => `strangers-${day}`;

/** Of fixed length, whatever the user's id; the next one after each erasure. */
const keyIdOf = (userId: string, erasures: number): string =>
  `person-${createHash('sha256').update(`${userId}\n${erasures}`).digest('hex').slice(0, 40)}`;
