import { simulate } from '../testing/seeded/simulate.js';

simulate(4, 4);
