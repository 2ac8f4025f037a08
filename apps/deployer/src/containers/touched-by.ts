import type { World } from '@shiplog/domain';
import type { DomainEventUnion } from '@shiplog/events';

/** Which apps an event may make a difference for. */
interface Touched {
  readonly apps: readonly string[];
  /** Every app: what counts as routed has changed. */
  readonly everything: boolean;
  /** An image of these apps is there that was not. */
  readonly hasImage: boolean;
}

export const touchedBy = (event: DomainEventUnion, world: World): Touched => {
  const nothing = { apps: [], everything: false, hasImage: false };
  switch (event.type) {
    case 'RoutesApplied': {
      const { routed, unrouted, drained } = event.data;
      return { ...nothing, apps: appsOf([...routed, ...unrouted, ...drained], world) };
    }
    case 'RouteWeightsApplied':
      return { ...nothing, apps: appsOf(Object.keys(event.data.weights), world) };
    case 'RouterStarted':
    case 'RouterRemoved':
      return { ...nothing, everything: true };
    case 'ImageRebuilt':
    case 'BuildSucceeded':
      return { ...nothing, apps: [event.data.appId], hasImage: true };
    default: {
      const { data } = event;
      return 'appId' in data && data.appId !== null ? { ...nothing, apps: [data.appId] } : nothing;
    }
  }
};

const appsOf = (instanceIds: readonly string[], world: World): string[] =>
  instanceIds.flatMap((id) => {
    const { state } = world.get('instance', id);
    return state.status === 'none' ? [] : state.appId;
  });
