import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { WrappingKey } from './master-key.js';

const ALGORITHM = 'aes-256-gcm';
/** Said in so many words, or Node.js takes a tag cut down to 4 bytes for a proof. */
const TAG = { authTagLength: 16 } as const;

/**
 * A key as it lies in its file. `raw`: as installations before the master key wrote it. `shredding`: it is
 * gone, and still to be cut out of the master key.
 */
export type KeyFile =
  | { readonly kind: 'raw'; readonly key: Buffer }
  | { readonly kind: 'wrapped'; readonly wrapped: WrappedKey }
  | { readonly kind: 'shredding' }
  | { readonly kind: 'damaged' };

/** Stands in the place of a key that could not be cut out of the master key yet. */
export const SHREDDING = 'shredding\n';

export interface WrappedKey {
  readonly masterKeyId: string;
  readonly createdAt: string;
  /** `<iv>.<tag>.<text>` in base64url. */
  readonly wrapped: string;
}

export const parseKeyFile = (text: string): KeyFile => {
  if (text === SHREDDING) return { kind: 'shredding' };
  const key = Buffer.from(text, 'base64');
  if (/^[A-Za-z0-9+/]{43}=\n?$/.test(text) && key.length === 32) return { kind: 'raw', key };
  try {
    const { masterKeyId, createdAt, wrapped } = JSON.parse(text) as Record<string, unknown>;
    return typeof masterKeyId === 'string' &&
      typeof createdAt === 'string' &&
      typeof wrapped === 'string'
      ? { kind: 'wrapped', wrapped: { masterKeyId, createdAt, wrapped } }
      : { kind: 'damaged' };
  } catch {
    return { kind: 'damaged' };
  }
};

export const textOfKeyFile = ({ masterKeyId, createdAt, wrapped }: WrappedKey): string =>
  `${JSON.stringify({ v: 1, masterKeyId, createdAt, wrapped })}\n`;

/** Authenticated with it: whose key it is, under which master key, and since when. */
export const wrap = (
  key: Buffer,
  under: WrappingKey,
  of: { readonly label: string; readonly createdAt: string },
): WrappedKey => {
  const { masterKeyId } = under;
  const { createdAt } = of;
  const iv = randomBytes(12);
  const cipher = createCipheriv(ALGORITHM, under.key, iv, TAG).setAAD(
    associatedData(of.label, masterKeyId, createdAt),
  );
  const text = Buffer.concat([cipher.update(key), cipher.final()]);
  const parts = [iv, cipher.getAuthTag(), text].map((part) => part.toString('base64url'));
  return { masterKeyId, createdAt, wrapped: parts.join('.') };
};

/** Undefined where it does not open: another master key, another's key, or altered. */
export const unwrap = (
  { masterKeyId, createdAt, wrapped }: WrappedKey,
  wrappingKey: Buffer,
  label: string,
): Buffer | undefined => {
  const [iv = '', tag = '', text = ''] = wrapped.split('.');
  try {
    const decipher = createDecipheriv(ALGORITHM, wrappingKey, Buffer.from(iv, 'base64url'), TAG)
      .setAAD(associatedData(label, masterKeyId, createdAt))
      .setAuthTag(Buffer.from(tag, 'base64url'));
    return Buffer.concat([decipher.update(Buffer.from(text, 'base64url')), decipher.final()]);
  } catch {
    return undefined;
  }
};

const associatedData = (...parts: readonly string[]): Buffer =>
  Buffer.from(['shiplog key 1', ...parts].join('\0'));
