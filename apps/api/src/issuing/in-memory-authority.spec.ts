import { describeAuthority } from './authority.contract.js';
import { InMemoryAuthority } from './in-memory-authority.js';

describeAuthority('InMemoryAuthority', () =>
  Promise.resolve({
    authority: new InMemoryAuthority({ refused: new Set(['foreign.example.com']) }),
    ours: 'ours.example.com',
    foreign: 'foreign.example.com',
    stop: () => Promise.resolve(),
  }),
);
