import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  sign,
  verify,
  type KeyObject,
} from 'node:crypto';

/** Makes signatures. `publicKey` is what others check them with: the 32 raw bytes, base64. */
export interface SigningKey {
  readonly publicKey: string;
  sign(text: string): string;
}

const RAW_KEY_BYTES = 32;
/** DER of an Ed25519 public key is this, and the raw key. */
const SPKI_HEAD = Buffer.from('302a300506032b6570032100', 'hex');

const signingKey = (key: KeyObject): SigningKey => ({
  publicKey: createPublicKey(key)
    .export({ type: 'spki', format: 'der' })
    .subarray(-RAW_KEY_BYTES)
    .toString('base64'),
  sign: (text) => sign(null, Buffer.from(text), key).toString('base64'),
});

/** A fresh key, and the text in which it is kept. */
export const newSigningKey = (): { readonly key: SigningKey; readonly pem: string } => {
  const { privateKey } = generateKeyPairSync('ed25519');
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  return { key: signingKey(privateKey), pem };
};

/** Throws where the text is no Ed25519 key. */
export const signingKeyOf = (pem: string): SigningKey => {
  const key = createPrivateKey(pem);
  if (key.asymmetricKeyType !== 'ed25519') throw new Error('not an Ed25519 key');
  return signingKey(key);
};

const known = new Map<string, KeyObject | undefined>();

const publicKeyOf = (raw: string): KeyObject | undefined => {
  if (!known.has(raw)) known.set(raw, readPublicKey(raw));
  return known.get(raw);
};

const readPublicKey = (raw: string): KeyObject | undefined => {
  const bytes = Buffer.from(raw, 'base64');
  if (bytes.length !== RAW_KEY_BYTES) return undefined;
  return createPublicKey({
    key: Buffer.concat([SPKI_HEAD, bytes]),
    format: 'der',
    type: 'spki',
  });
};

export const isSignedBy = (publicKey: string, text: string, signature: string): boolean => {
  const key = publicKeyOf(publicKey);
  return (
    key !== undefined && verify(null, Buffer.from(text), key, Buffer.from(signature, 'base64'))
  );
};
