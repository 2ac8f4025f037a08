import { z } from 'zod';

/** A name that a client types: no colon, which ends it in a request, and nothing that has to be quoted anywhere. */
export const basicAuthUser = z
  .string()
  .regex(
    /^[A-Za-z0-9](?:[A-Za-z0-9._@-]{0,62}[A-Za-z0-9])?$/,
    'letters, digits and "._@-", beginning and ending with a letter or digit, at most 64 characters',
  );

/** What is kept of a password, encrypted with the key of the app: crypt(3) with SHA-512 in 5,000 rounds. */
export const PASSWORD_HASH_PATTERN = /^\$6\$[./0-9A-Za-z]{16}\$[./0-9A-Za-z]{86}$/;
