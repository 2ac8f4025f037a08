import { simulate } from '../testing/seeded/simulate.js';

simulate(1, 4);
