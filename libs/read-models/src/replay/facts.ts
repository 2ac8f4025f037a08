import {
  DEFAULT_SETTINGS,
  checksIn,
  checkText,
  isSameValue,
  portText,
  type Lock,
} from '@shiplog/domain';
import type { Maintenance, Settings, TrafficPolicy } from '@shiplog/events';
import type {
  AppDocument,
  CronJobDocument,
  InstanceDocument,
  ReleaseDocument,
  RouterDocument,
  TeamDocument,
  TokenDocument,
  UserDocument,
  VolumeDocument,
} from '../documents.js';

export type FactKind =
  | 'app'
  | 'release'
  | 'live'
  | 'config'
  | 'setting'
  | 'formation'
  | 'domain'
  | 'port'
  | 'cron'
  | 'volume'
  | 'lock'
  | 'maintenance'
  | 'instance'
  | 'route'
  | 'token'
  | 'person'
  | 'team'
  | 'member';

/** One thing that is so at one moment, small enough to be compared with another moment. */
export interface Fact {
  readonly kind: FactKind;
  readonly appId: string | null;
  /** Who may see it: this team, this user. Administrators see everything. */
  readonly teamId: string | null;
  readonly userId: string | null;
  readonly app: string | null;
  readonly name: string;
  /** What is compared. */
  readonly value: string | null;
  /** What is compared may be shown. */
  readonly isOpen: boolean;
  /** So by itself, where nobody said otherwise: no news where the thing around it is new or gone. */
  readonly isImplied: boolean;
}

/** The documents that facts are made of. */
export interface ReplayDocuments {
  readonly apps: readonly AppDocument[];
  readonly releases: readonly ReleaseDocument[];
  readonly instances: readonly InstanceDocument[];
  readonly routers: readonly RouterDocument[];
  readonly tokens: readonly TokenDocument[];
  readonly users: readonly UserDocument[];
  readonly teams: readonly TeamDocument[];
}

export type Facts = ReadonlyMap<string, Fact>;
type Entry = readonly [key: string, fact: Fact];

/** Keys are the same in every state, and those that `touchesOf` has for events. */
export const factsOf = (documents: ReplayDocuments): Facts => {
  const apps = new Map(documents.apps.map((app) => [app.appId, app]));
  const instances = new Map(documents.instances.map((one) => [one.id, one]));
  const users = new Map(documents.users.map(({ userId, name }) => [userId, name]));
  return new Map([
    ...documents.apps.flatMap((app) => (app.status === 'active' ? appFacts(app) : [])),
    ...documents.releases.flatMap((release) => releaseFacts(release, apps.get(release.appId))),
    ...documents.instances.flatMap((one) => instanceFacts(one, apps.get(one.appId))),
    ...documents.routers.flatMap((router) =>
      router.routed.map((id) => routeFact(router, id, apps.get(instances.get(id)?.appId ?? ''))),
    ),
    ...documents.tokens.flatMap(tokenFacts),
    ...documents.users.map(personFact),
    ...documents.teams.flatMap((team) => teamFacts(team, users)),
  ]);
};

const PLAIN = {
  appId: null,
  teamId: null,
  userId: null,
  app: null,
  value: null,
  isOpen: true,
  isImplied: false,
} as const;

const around = (app: AppDocument | undefined) =>
  app === undefined ? PLAIN : { ...PLAIN, appId: app.appId, teamId: app.teamId, app: app.name };

const appFacts = (app: AppDocument): Entry[] => {
  const { appId, name } = app;
  const of = around(app);
  return [
    [`app:${appId}`, { ...of, kind: 'app', name, value: app.stopped ? 'stopped' : 'started' }],
    ...(app.liveVersion === null
      ? []
      : [
          [
            `live:${appId}`,
            { ...of, kind: 'live', name: 'live release', value: `v${app.liveVersion}` },
          ] as const,
        ]),
    ...Object.entries(app.config).map(
      // Encrypted: good for telling that it is another one, and for nothing else.
      ([key, value]): Entry => [
        `config:${appId}:${key}`,
        { ...of, kind: 'config', name: key, value, isOpen: false },
      ],
    ),
    ...Object.entries(app.settings).map(([key, value]): Entry => {
      const isImplied = isSameValue(DEFAULT_SETTINGS[key as keyof Settings], value);
      const fact = { ...of, kind: 'setting', name: key, value: textOf(value), isImplied } as const;
      return [`setting:${appId}:${key}`, fact];
    }),
    ...checksIn(app.checks).map(({ process, probe, check }): Entry => {
      const name = `${process}.${probe}`;
      return [
        `setting:${appId}:${name}`,
        { ...of, kind: 'setting', name, value: checkText(check) },
      ];
    }),
    ...Object.entries(app.ownLimits).flatMap(([process, limits]) =>
      Object.entries(limits).map(([field, value]): Entry => [
        `setting:${appId}:${process}.${field}`,
        { ...of, kind: 'setting', name: `${process}.${field}`, value: textOf(value) },
      ]),
    ),
    ...Object.entries(app.traffic).map(([part, value]): Entry => [
      `setting:${appId}:traffic.${part}`,
      { ...of, kind: 'setting', name: `traffic.${part}`, value: textOf(value) },
    ]),
    ...basicAuthEntries(app, of),
    ...Object.entries(app.formation).map(([process, count]): Entry => [
      `formation:${appId}:${process}`,
      { ...of, kind: 'formation', name: process, value: String(count) },
    ]),
    ...app.domains.map((host): Entry => [
      `domain:${appId}:${host}`,
      { ...of, kind: 'domain', name: host },
    ]),
    ...Object.entries(app.ports).map(([port, known]): Entry => [
      `port:${appId}:${port}`,
      { ...of, kind: 'port', name: port, value: portText(known) },
    ]),
    ...(app.lock === null
      ? []
      : [
          [
            `lock:${appId}`,
            { ...of, kind: 'lock', name: 'lock', value: lockText(app.lock) },
          ] as const,
        ]),
    ...(app.maintenance === null
      ? []
      : [
          [
            `maintenance:${appId}`,
            {
              ...of,
              kind: 'maintenance',
              name: 'maintenance',
              value: maintenanceText(app.maintenance),
            },
          ] as const,
        ]),
    ...app.cronJobs.map((cron): Entry => [
      `cron:${appId}:${cron.job}`,
      { ...of, kind: 'cron', name: cron.job, value: cronText(cron) },
    ]),
    ...app.volumes.map((volume): Entry => [
      `volume:${appId}:${volume.volumeId}`,
      { ...of, kind: 'volume', name: volume.name, value: volumeText(volume) },
    ]),
  ];
};

const textOf = (value: Settings[keyof Settings] | TrafficPolicy[keyof TrafficPolicy]): string => {
  if (value === null) return 'none';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
};

const maintenanceText = ({ why, page, allow }: Maintenance): string =>
  [
    why ?? 'on',
    page === null ? '' : 'page of its own',
    allow.length === 0 ? '' : `but for ${allow.join(', ')}`,
  ]
    .filter((part) => part !== '')
    .join('; ');

const volumeText = (volume: VolumeDocument): string => {
  const { path, processes, shared, sizeBytes, state, aboveBytes } = volume;
  const who = `${shared ? 'shared' : 'exclusive'} by ${processes.join(',') || 'nobody'}`;
  return `${path}, ${sizeBytes} bytes, ${who}, ${state}${aboveBytes === null ? '' : ', above its size'}`;
};
const lockText = ({ by, why, until }: Lock): string =>
  `by ${by.name}${until === null ? '' : ` until ${until}`}: ${why}`;

const cronText = ({ since: _since, job: _job, command, ...cron }: CronJobDocument): string =>
  `${cron.schedule} (${cron.timeZone}): ${command.join(' ')}; overlap ${cron.overlap}, missed ${cron.missed}` +
  (cron.timeoutSeconds === null ? '' : `, at most ${cron.timeoutSeconds} s`);

/** Which one serves is a fact of its own; here only what it came to. */
const releaseFacts = (
  { appId, version, state }: ReleaseDocument,
  app: AppDocument | undefined,
): Entry[] => {
  if (app?.status !== 'active') return [];
  const value = state === 'failed' || state === 'cancelled' ? state : null;
  return [
    [
      `release:${appId}:${version}`,
      { ...around(app), kind: 'release', name: `v${version}`, value },
    ],
  ];
};

const instanceFacts = (
  { id, process, version, state, restarts }: InstanceDocument,
  app: AppDocument | undefined,
): Entry[] => {
  if (state === 'stopped') return [];
  const value = restarts === 0 ? state : `${state}, ${restarts} restarts`;
  const name = `${process} ${id} of v${version}`;
  return [[`instance:${id}`, { ...around(app), kind: 'instance', name, value }]];
};

const basicAuthEntries = (
  { appId, basicAuth: { users, passesHeader } }: AppDocument,
  of: ReturnType<typeof around>,
): Entry[] => {
  const header = { name: 'basic-auth header', value: passesHeader ? 'pass' : 'strip' };
  return [
    ...Object.entries(users).map(([user, value]): Entry => {
      // Encrypted, as config is.
      const fact = { ...of, kind: 'setting', name: `basic-auth.${user}`, value } as const;
      return [`setting:${appId}:basic-auth.${user}`, { ...fact, isOpen: false }];
    }),
    [
      `setting:${appId}:basic-auth header`,
      { ...of, kind: 'setting', ...header, isImplied: !passesHeader },
    ],
  ];
};

const routeFact = (
  { routerId }: RouterDocument,
  instanceId: string,
  app: AppDocument | undefined,
): Entry => [
  `route:${routerId}:${instanceId}`,
  { ...around(app), kind: 'route', name: `${routerId} to ${instanceId}` },
];

const tokenFacts = ({ tokenId, userId, name, scope, status }: TokenDocument): Entry[] => {
  if (status !== 'active') return [];
  const appId = scope.kind === 'push' ? scope.appId : null;
  return [[`token:${tokenId}`, { ...PLAIN, appId, userId, kind: 'token', name }]];
};

const personFact = ({ userId, name, administrator }: UserDocument): Entry => [
  `person:${userId}`,
  { ...PLAIN, userId, kind: 'person', name, value: administrator ? 'administrator' : null },
];

const teamFacts = (
  { teamId, name, members }: TeamDocument,
  users: ReadonlyMap<string, string>,
): Entry[] => [
  [`team:${teamId}`, { ...PLAIN, teamId, kind: 'team', name }],
  ...members.map((userId): Entry => {
    const member = users.get(userId) ?? userId;
    const fact = { ...PLAIN, teamId, kind: 'member', name: `${member} of ${name}` } as const;
    return [`member:${teamId}:${userId}`, fact];
  }),
];
