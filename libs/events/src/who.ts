import { z } from 'zod';
import { id } from './ids.js';

/** Who asked: a person through a token, or a process on its own account. */
export const actor = z.strictObject({
  kind: z.enum(['user', 'process']),
  id,
  name: z.string().max(64),
});
export type Actor = z.infer<typeof actor>;

/**
 * From where. Address and user agent are personal data: what is written today is sealed with the key of
 * the person (`enc1.<iv>.<tag>.<text>`), so that deleting the key erases them and leaves every byte of
 * the log as it is. Logs of earlier releases have them as they were.
 */
export const origin = z.strictObject({
  tokenId: id.nullable(),
  address: z.string().max(160).nullable(),
  userAgent: z.string().max(900).nullable(),
});
export type Origin = z.infer<typeof origin>;
