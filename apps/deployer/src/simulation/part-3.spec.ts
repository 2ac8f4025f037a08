import { simulate } from '../testing/seeded/simulate.js';

simulate(3, 4);
