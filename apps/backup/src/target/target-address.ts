import { isAbsolute, normalize } from 'node:path';
import { BackupError } from '../backup-error.js';

export type TargetAddress =
  | { readonly kind: 'directory'; readonly path: string }
  | {
      readonly kind: 's3';
      readonly bucket: string;
      /** Empty, or ends in `/`. */
      readonly prefix: string;
      readonly region: string | undefined;
      readonly endpoint: string | undefined;
    };

const FORMS =
  'an absolute path such as /mnt/backup, or s3://bucket/prefix?region=…&endpoint=https://…';

/** Reads what a person wrote. Credentials never stand in it: it is told, logged and kept in the log. */
export const parseTarget = (text: string): TargetAddress => {
  if (isAbsolute(text) && !text.includes('\0')) {
    return { kind: 'directory', path: normalize(text).replace(/(.)\/+$/, '$1') };
  }
  if (text.startsWith('s3://')) return s3Of(text);
  throw invalid(`"${text}" is no place for backups`);
};

const s3Of = (text: string): TargetAddress => {
  const url = urlOf(text);
  if (url === undefined) throw invalid(`"${text}" is no URL`);
  refuseCredentials(url);
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(url.hostname)) {
    throw invalid(`"${url.hostname}" is not the name of a bucket`);
  }
  const prefix = decodeURIComponent(url.pathname).replace(/^\/+|\/+$/g, '');
  return {
    kind: 's3',
    bucket: url.hostname,
    prefix: prefix === '' ? '' : `${prefix}/`,
    ...s3OptionsOf(url.searchParams),
  };
};

const s3OptionsOf = (options: URLSearchParams) => {
  const unknown = [...options.keys()].find((key) => key !== 'region' && key !== 'endpoint');
  if (unknown !== undefined) throw invalid(`"${unknown}" is not known`);
  const endpoint = options.get('endpoint') ?? undefined;
  const url = urlOf(endpoint ?? 'https://default');
  if (url?.protocol !== 'https:' && url?.protocol !== 'http:') {
    throw invalid('the endpoint is no http or https URL');
  }
  refuseCredentials(url);
  return { region: options.get('region') ?? undefined, endpoint };
};

const refuseCredentials = ({ username, password }: URL): void => {
  if (username === '' && password === '') return;
  throw invalid(
    'credentials do not belong into the address, which is kept in the log; give them to the backup process by AWS_SHARED_CREDENTIALS_FILE or its environment. It is',
  );
};

const urlOf = (text: string): URL | undefined => (URL.canParse(text) ? new URL(text) : undefined);

const invalid = (what: string): BackupError =>
  new BackupError('backup-target-invalid', `${what}: ${FORMS}`);
