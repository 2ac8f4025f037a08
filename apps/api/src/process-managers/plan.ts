import { KEYS_ID, type BuildRequest, type BuildState, type World } from '@shiplog/domain';
import type { Revision } from '@shiplog/events';

/** What follows from the log and has not happened yet. */
export type Action =
  | {
      readonly kind: 'create-release';
      readonly request: BuildRequest;
      readonly build: Extract<BuildState, { status: 'succeeded' }>;
      readonly cause: 'build' | 'image';
      readonly liveVersion: number | null;
      /** The app as it was when this was decided: somebody faster makes it a matter of the next round. */
      readonly revision: Revision;
    }
  | {
      readonly kind: 'create-app';
      readonly appId: string;
      readonly name: string;
      readonly teamId: string;
    }
  | { readonly kind: 'release-name'; readonly appId: string; readonly name: string }
  | { readonly kind: 'release-domain'; readonly appId: string; readonly host: string }
  | {
      readonly kind: 'reserve-domain';
      readonly appId: string;
      readonly host: string;
      readonly teamId: string;
    }
  | { readonly kind: 'release-port'; readonly appId: string; readonly port: number }
  | {
      readonly kind: 'reserve-port';
      readonly appId: string;
      readonly port: number;
      readonly teamId: string;
    }
  | { readonly kind: 'remove-port'; readonly appId: string; readonly port: number }
  | { readonly kind: 'remove-domain'; readonly appId: string; readonly host: string }
  | { readonly kind: 'revoke-token'; readonly tokenId: string; readonly appId: string }
  | {
      readonly kind: 'rotate-master-key';
      readonly keyId: string;
      readonly previousKeyId: string | null;
    }
  /** Key, repository: what is kept of an app outside the log. */
  | { readonly kind: 'forget-app'; readonly appId: string }
  /** The keys that a person had before their newest erasure. */
  | { readonly kind: 'forget-person'; readonly userId: string; readonly erasures: number };

/** A step of a request that stands alone: the request is under way, or it died half-way. */
export interface LooseEnd {
  /** The same as long as the same thing is loose. */
  readonly key: string;
  /** How long it may be a request under way. */
  readonly patienceMs: number;
  readonly action: Action;
}

/** A request that reserves a name creates its app at once; later than this nobody is going to. */
const NAME_PATIENCE_MS = 10_000;
const DOMAIN_PATIENCE_MS = 60_000;
const PORT_PATIENCE_MS = 60_000;

/** How a domain's stream is called; the hash is an effect's business, so it is passed in. */
export type DomainIdOf = (host: string) => string;

/** `toForget`: destroyed apps of which something is kept outside the log. */
export const plan = (
  world: World,
  domainIdOf: DomainIdOf,
  toForget: Iterable<string>,
): readonly Action[] => [
  ...world.apps().flatMap(({ appId }) => nextRelease(world, appId)),
  ...[...toForget].map((appId): Action => ({ kind: 'forget-app', appId })),
  ...reservationsOfDestroyed(world),
  ...pushTokensOfDestroyed(world),
  ...unreservedDomains(world, domainIdOf),
  ...unreservedPorts(world),
  ...rotationUnderWay(world),
  ...erasedPersons(world),
];

const rotationUnderWay = (world: World): readonly Action[] => {
  const { rotation } = world.get('keys', KEYS_ID).state;
  return rotation === null ? [] : [{ kind: 'rotate-master-key', ...rotation }];
};

/**
 * Releases are made in the order of requests. An older build that ends after a newer one's release is
 * passed over: who pushed last wins, whoever builds faster. One release a round for each app, because
 * the next one is decided on the app as this one leaves it.
 */
const nextRelease = (world: World, appId: string): readonly Action[] => {
  const { state, revision } = world.get('app', appId);
  if (state.status !== 'active') return [];
  const releasedUpTo = world.buildRequests.releasedUpTo(appId);
  for (const request of world.buildRequests.of(appId)) {
    if (request.position <= releasedUpTo || request.release !== null) continue;
    const requested = state.builds[request.buildId];
    if (requested === undefined || requested.cancelRequested) continue;
    const { state: build } = world.get('build', request.buildId);
    if (build.status !== 'succeeded' || build.lost !== null) continue;
    const cause = requested.source.kind === 'image' ? 'image' : 'build';
    const liveVersion = world.liveOf(appId)?.release.version ?? null;
    return [{ kind: 'create-release', request, build, cause, liveVersion, revision }];
  }
  return [];
};

/** Again at every start: keys may have come back from a backup. */
const erasedPersons = (world: World): readonly Action[] =>
  [...world.all('user')].flatMap((user): Action[] =>
    user.status === 'active' && user.erasures > 0
      ? [{ kind: 'forget-person', userId: user.userId, erasures: user.erasures }]
      : [],
  );

const reservationsOfDestroyed = (world: World): readonly Action[] => [
  ...[...world.all('name')].flatMap((state): Action[] =>
    state.status === 'reserved' && world.destroyedApps.has(state.appId)
      ? [{ kind: 'release-name', appId: state.appId, name: state.name }]
      : [],
  ),
  ...[...world.all('domain')].flatMap((state): Action[] =>
    state.status === 'reserved' && world.destroyedApps.has(state.appId)
      ? [{ kind: 'release-domain', appId: state.appId, host: state.host }]
      : [],
  ),
  ...[...world.all('port')].flatMap((state): Action[] =>
    state.status === 'reserved' && world.destroyedApps.has(state.appId)
      ? [{ kind: 'release-port', appId: state.appId, port: state.port }]
      : [],
  ),
];

const pushTokensOfDestroyed = (world: World): readonly Action[] =>
  [...world.all('token')].flatMap((token): Action[] =>
    token.status === 'active' &&
    token.scope.kind === 'push' &&
    world.destroyedApps.has(token.scope.appId)
      ? [{ kind: 'revoke-token', tokenId: token.tokenId, appId: token.scope.appId }]
      : [],
  );

/**
 * A domain that an app lists and nobody reserved: its reservation was taken for a loose end while it
 * was being added once more. It is reserved again, or given up if another app was faster.
 */
const unreservedDomains = (world: World, domainIdOf: DomainIdOf): readonly Action[] =>
  world.apps().flatMap(({ appId, teamId, domains }) =>
    domains.flatMap((host): Action[] => {
      const { state } = world.get('domain', domainIdOf(host));
      if (state.status === 'free') return [{ kind: 'reserve-domain', appId, host, teamId }];
      return state.appId === appId ? [] : [{ kind: 'remove-domain', appId, host }];
    }),
  );

/** As for domains. */
const unreservedPorts = (world: World): readonly Action[] =>
  world.apps().flatMap(({ appId, teamId, ports = {} }) =>
    Object.keys(ports).flatMap((number): Action[] => {
      const { state } = world.get('port', number);
      const port = Number(number);
      if (state.status === 'free') return [{ kind: 'reserve-port', appId, port, teamId }];
      return state.appId === appId ? [] : [{ kind: 'remove-port', appId, port }];
    }),
  );

export const looseEnds = (world: World): readonly LooseEnd[] => {
  const ends: LooseEnd[] = [];
  for (const state of world.all('name')) {
    if (state.status !== 'reserved') continue;
    const { appId, name, teamId } = state;
    if (world.get('app', appId).state.status !== 'none') continue;
    ends.push({
      key: `name ${name} ${appId}`,
      patienceMs: NAME_PATIENCE_MS,
      action: { kind: 'create-app', appId, name, teamId },
    });
  }
  for (const state of world.all('domain')) {
    if (state.status !== 'reserved') continue;
    const { appId, host } = state;
    const app = world.get('app', appId).state;
    if (app.status === 'destroyed') continue;
    if (app.status === 'active' && app.domains.includes(host)) continue;
    ends.push({
      key: `domain ${host} ${appId}`,
      patienceMs: DOMAIN_PATIENCE_MS,
      action: { kind: 'release-domain', appId, host },
    });
  }
  return [...ends, ...loosePorts(world)];
};

const loosePorts = (world: World): readonly LooseEnd[] => {
  const ends: LooseEnd[] = [];
  for (const state of world.all('port')) {
    if (state.status !== 'reserved') continue;
    const { appId, port } = state;
    const app = world.get('app', appId).state;
    if (app.status === 'destroyed') continue;
    if (app.status === 'active' && Object.hasOwn(app.ports ?? {}, port)) continue;
    ends.push({
      key: `port ${port} ${appId}`,
      patienceMs: PORT_PATIENCE_MS,
      action: { kind: 'release-port', appId, port },
    });
  }
  return ends;
};
