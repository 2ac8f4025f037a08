import { z } from 'zod';
import { defineEvent } from './event.js';
import { id } from './ids.js';

/** About the key store: which master key wraps the keys of apps. Ids only, never material. */
export const keysEvent = z.discriminatedUnion('type', [
  /** From here on the rotation is carried out, whatever dies meanwhile. */
  defineEvent('MasterKeyRotationRequested', 1, {
    /** Of the master key that is to be made. */
    keyId: id,
    previousKeyId: id.nullable(),
  }),
  /** Every key is wrapped with the new master key, and the old one is forgotten. */
  defineEvent('MasterKeyRotated', 1, {
    keyId: id,
    previousKeyId: id.nullable(),
    /** How many keys it wraps. */
    keys: z.number().int().nonnegative(),
  }),
]);
export type KeysEvent = z.infer<typeof keysEvent>;
