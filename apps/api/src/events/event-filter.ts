import type { World } from '@shiplog/domain';
import type { DomainEventUnion } from '@shiplog/events';
import { belongsTo, type Caller } from '../auth/caller.js';

export interface EventFilter {
  readonly caller: Caller;
  /** Only what concerns this app. */
  readonly appId: string | undefined;
  readonly types: ReadonlySet<string> | undefined;
}

/** Does the caller get to see this event? Administrators see all, others what is of their teams or their own. */
export const isWanted = (
  event: DomainEventUnion,
  { caller, appId, types }: EventFilter,
  world: World,
): boolean => {
  if (types !== undefined && !types.has(event.type)) return false;
  const eventAppId = appIdOf(event, world);
  if (appId !== undefined && eventAppId !== appId) return false;
  if (caller.administrator) return true;
  const { data } = event;
  if ('teamId' in data) return belongsTo(caller, data.teamId);
  if (eventAppId !== undefined) {
    const { state: app } = world.get('app', eventAppId);
    return app.status !== 'none' && belongsTo(caller, app.teamId);
  }
  return userIdOf(event, world) === caller.userId;
};

export const appIdOf = (event: DomainEventUnion, world: World): string | undefined => {
  // From the event itself: the world may not have seen it yet.
  if (event.type === 'TokenCreated') {
    const { scope } = event.data;
    return scope.kind === 'push' ? scope.appId : undefined;
  }
  if (event.type === 'TokenRevoked') {
    const { state } = world.get('token', event.data.tokenId);
    return state.status !== 'none' && state.scope.kind === 'push' ? state.scope.appId : undefined;
  }
  return 'appId' in event.data ? (event.data.appId ?? undefined) : undefined;
};

const userIdOf = (event: DomainEventUnion, world: World): string | undefined => {
  if (event.type === 'TokenRevoked') {
    const { state } = world.get('token', event.data.tokenId);
    return state.status === 'none' ? undefined : state.userId;
  }
  return 'userId' in event.data ? event.data.userId : undefined;
};
