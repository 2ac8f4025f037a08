import { createHash, randomBytes } from 'node:crypto';

/** What a person or a program carries: a prefix that secret scanners find, and 32 random bytes. */
export const newTokenText = (): string => `shp_${randomBytes(32).toString('base64url')}`;

export const TOKEN_PATTERN = /^shp_[A-Za-z0-9_-]{43}$/;

/** What the log keeps of a token. 32 random bytes need no slow hash. */
export const hashOfToken = (text: string): string =>
  createHash('sha256').update(text).digest('hex');
