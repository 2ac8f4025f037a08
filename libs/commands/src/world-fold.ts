import { World } from '@shiplog/domain';
import type { Fold } from '@shiplog/events/log';

/** The world as a fold of a log feed. `codeHash` changes with the code that folds it. */
export const worldFold = (world: World, codeHash: string): Fold => ({
  name: 'world',
  codeHash,
  apply: (record) => world.apply(record),
  snapshot: () => world.snapshot(),
  restore: (state) => world.restore(state),
});
