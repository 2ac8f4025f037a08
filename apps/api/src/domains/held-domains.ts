import type { HeldDomain, World } from '@shiplog/domain';

/** Domains of all teams; what a destroyed app held is nobody's. */
export const heldDomains = (world: World): readonly HeldDomain[] =>
  [...world.all('domain')].flatMap((state) =>
    state.status === 'reserved' && world.app(state.appId) !== undefined ? [state] : [],
  );
