import { encrypt } from 'unixcrypt';
import { PASSWORD_HASH_PATTERN } from '@shiplog/events';

export const PASSWORD_LENGTH_MIN = 8;
/** In UTF-8. With 64 the library and crypt(3) come to different hashes; routers take nothing longer. */
export const PASSWORD_BYTES_MAX = 63;

/** `$6$<salt>$<hash>`: as crypt(3) has it with SHA-512, with a salt of its own. Takes about 15 ms. */
export const hashPassword = (password: string): string => {
  const hash = encrypt(password.normalize('NFC'));
  if (!PASSWORD_HASH_PATTERN.test(hash)) throw new Error('the hash of a password has another form');
  return hash;
};
