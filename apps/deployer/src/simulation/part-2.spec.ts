import { simulate } from '../testing/seeded/simulate.js';

simulate(2, 4);
