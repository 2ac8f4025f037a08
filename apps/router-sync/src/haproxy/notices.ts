import { BASE64_PATTERN, PREFIX_PATTERN, type Notice } from '../routes/notice.js';
import { RouterError } from '../routes/router.port.js';
import { returnPage } from './pages.js';
import { FILES } from './file-names.js';
import type { HaproxyState } from './state.js';

type Maps = Pick<HaproxyState, 'notices' | 'allowed'>;

/** Answers for apps in maintenance, except to those who may pass. After the backend is known. */
export const maintenanceLines = (): readonly string[] => [
  `http-request set-var(txn.notice) var(txn.backend),map_str(${FILES.notices})`,
  'http-request set-var-fmt(txn.from) "%[var(txn.backend)]=%[src,hex,length]:%[src,hex]" if { var(txn.notice) -m beg maintenance }',
  `http-request unset-var(txn.notice) if { var(txn.notice) -m beg maintenance } { var(txn.from),map_beg(${FILES.allowed}) -m found }`,
  returnPage(
    'maintenance',
    'if { var(txn.notice) -m beg maintenance: } { var(txn.form) -m str html }',
    'var(txn.notice),field(2,:),b64dec',
  ),
  returnPage('maintenance', 'if { var(txn.notice) -m beg maintenance }'),
];

/** By backend. */
export const noticesIn = ({ notices, allowed }: Maps): ReadonlyMap<string, Notice> => {
  const prefixes = new Map<string, string[]>();
  for (const key of allowed.keys()) {
    const [backend = '', prefix = ''] = key.split('=');
    prefixes.set(backend, [...(prefixes.get(backend) ?? []), prefix]);
  }
  return new Map(
    [...notices].map(([backend, text]): [string, Notice] => {
      if (text === 'starting') return [backend, { kind: 'starting' }];
      const [, page = null] = text.split(':');
      const allow = (prefixes.get(backend) ?? []).toSorted();
      return [backend, { kind: 'maintenance', page, allow }];
    }),
  );
};

/** Commands that make a backend have this notice and no other. Who may pass is said before anybody is stopped. */
export const noticeCommands = (
  maps: Maps,
  backend: string,
  notice: Notice | null,
): readonly string[] => {
  const wanted = notice?.kind === 'maintenance' ? notice.allow.map(checkedPrefix) : [];
  const before = [...maps.allowed.keys()].filter((key) => key.startsWith(`${backend}=`));
  const keys = wanted.map((prefix) => `${backend}=${prefix}`);
  return [
    ...keys
      .filter((key) => !maps.allowed.has(key))
      .map((key) => `add map ${FILES.allowed} ${key} on`),
    ...textCommands(maps, backend, notice),
    ...before.filter((key) => !keys.includes(key)).map((key) => `del map ${FILES.allowed} ${key}`),
  ];
};

const textCommands = (
  { notices }: Maps,
  backend: string,
  notice: Notice | null,
): readonly string[] => {
  const before = notices.get(backend);
  if (notice === null) {
    return before === undefined ? [] : [`del map ${FILES.notices} ${backend}`];
  }
  const text = textOf(notice);
  if (before === text) return [];
  return [`${before === undefined ? 'add' : 'set'} map ${FILES.notices} ${backend} ${text}`];
};

const textOf = (notice: Notice): string => {
  if (notice.kind === 'starting') return 'starting';
  return notice.page === null ? 'maintenance' : `maintenance:${checkedPage(notice.page)}`;
};

const checkedPrefix = (prefix: string): string => {
  if (PREFIX_PATTERN.test(prefix)) return prefix;
  throw new RouterError('router-refused', `not a beginning of an address: "${prefix}"`);
};
const checkedPage = (page: string): string => {
  if (BASE64_PATTERN.test(page)) return page;
  throw new RouterError('router-refused', 'a page is not base64');
};
