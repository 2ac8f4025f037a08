import type { HaproxyState } from './state.js';
import { picksOf, requestPattern } from '../routes/match-rule.js';
import { FILES } from './file-names.js';
import type { Match } from '../routes/router.port.js';

type Maps = Pick<HaproxyState, 'matches' | 'picks' | 'owners'>;

/** Whose requests match what in a HAProxy, by backend. Half of one is none: it is made or taken away again. */
export const matchesIn = ({ matches, picks, owners }: Maps): ReadonlyMap<string, Match> => {
  const found = new Map<string, Match>();
  for (const text of matches.values()) {
    const [, backend = '', rule = ''] = /^([^=]+)=(.+)$/.exec(text) ?? [];
    const servers = new Set(placesOf(picks, backend).map(([, server]) => server));
    const instanceIds = [...servers].map((server) => owners.get(`${backend}/${server}`) ?? '');
    found.set(backend, {
      rule: picks.has(backend) ? rule : '',
      instanceIds: instanceIds.toSorted(),
    });
  }
  return found;
};

/** Commands that make a backend have this match and no other; who is drawn is said before anybody draws. */
export const matchCommands = (
  { matches, picks }: Maps,
  backend: string,
  { rule, servers }: { readonly rule: string; readonly servers: readonly string[] },
): readonly string[] => {
  const pattern = requestPattern(backend, rule);
  const others = patternsOf(matches, backend).filter((one) => one !== pattern);
  const drawn = picksOf(servers).flatMap((server, i) => {
    const place = `${backend}/${i}`;
    return picks.get(place) === server ? [] : [put(picks, FILES.picks, place, server)];
  });
  return [
    ...drawn,
    ...others.map((one) => `del map ${FILES.matches} ${one}`),
    ...(matches.has(pattern) ? [] : [`add map ${FILES.matches} ${pattern} ${backend}=${rule}`]),
    ...(picks.has(backend) ? [] : [`add map ${FILES.picks} ${backend} on`]),
  ];
};

export const unmatchCommands = ({ matches, picks }: Maps, backend: string): readonly string[] => [
  ...(picks.has(backend) ? [`del map ${FILES.picks} ${backend}`] : []),
  ...patternsOf(matches, backend).map((pattern) => `del map ${FILES.matches} ${pattern}`),
  ...placesOf(picks, backend).map(([place]) => `del map ${FILES.picks} ${place}`),
];

const patternsOf = (matches: Maps['matches'], backend: string): string[] =>
  [...matches].flatMap(([pattern, text]) => (text.startsWith(`${backend}=`) ? [pattern] : []));

const placesOf = (picks: Maps['picks'], backend: string): [string, string][] =>
  [...picks].filter(([place]) => place.startsWith(`${backend}/`));

const put = (map: Maps['picks'], file: string, key: string, value: string): string =>
  `${map.has(key) ? 'set' : 'add'} map ${file} ${key} ${value}`;
