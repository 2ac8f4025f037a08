import { InMemoryResolvers } from './in-memory-resolvers.js';
import { describeResolvers } from './resolvers.contract.js';

describeResolvers('those in memory', () => {
  const resolvers = new InMemoryResolvers();
  return Promise.resolve({
    resolvers,
    again: () => resolvers,
    answersOf: (teamId: string) => Promise.resolve(resolvers.answersOf(teamId)),
    lose: (teamId: string) => Promise.resolve(resolvers.lose(teamId)),
    end: () => Promise.resolve(),
  });
});
