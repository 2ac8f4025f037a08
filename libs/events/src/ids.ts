import { z } from 'zod';

/** Every id is one token of a log subject: no dot, star, arrow, space or control character. */
export const ID_PATTERN = /^[A-Za-z0-9_-]{1,64}$/;

/** An app's name: a DNS label, because it becomes the first label of the app's host. */
export const APP_NAME_PATTERN = /^[a-z](?:[a-z0-9-]{0,38}[a-z0-9])?$/;

/** A process type of a Procfile (`web`, `worker`, …). */
export const PROCESS_TYPE_PATTERN = /^[a-z](?:[a-z0-9-]{0,28}[a-z0-9])?$/;

/** A config key: what POSIX allows as the name of an environment variable. */
export const CONFIG_KEY_PATTERN = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/;

/** A host name in lower case, at least two labels, at most 253 characters (RFC 1123). */
export const HOST_PATTERN =
  /^(?=.{4,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** `sha256:` and 64 hexadecimal digits: the name of content by what it is. */
export const DIGEST_PATTERN = /^sha256:[0-9a-f]{64}$/;

export const id = z.string().regex(ID_PATTERN, 'one to 64 letters, digits, "_" or "-"');
export const appName = z
  .string()
  .regex(
    APP_NAME_PATTERN,
    'lower-case letters, digits and "-", starting with a letter, at most 40 characters',
  );
export const processType = z
  .string()
  .regex(
    PROCESS_TYPE_PATTERN,
    'lower-case letters, digits and "-", starting with a letter, at most 30 characters',
  );
/** A cron job's name: as a process type, because it begins the ids of its runs. */
export const cronJobName = z
  .string()
  .regex(
    PROCESS_TYPE_PATTERN,
    'lower-case letters, digits and "-", starting with a letter, at most 30 characters',
  );
export const configKey = z
  .string()
  .regex(CONFIG_KEY_PATTERN, 'letters, digits and "_", not starting with a digit');
export const host = z
  .string()
  .regex(HOST_PATTERN, 'a lower-case host name such as www.example.com');
export const digest = z.string().regex(DIGEST_PATTERN, '"sha256:" and 64 hexadecimal digits');
