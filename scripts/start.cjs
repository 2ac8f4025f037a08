// `npm start`.
'use strict';
require('./lib/node-version.cjs')('scripts/start.cjs');
require('./lib/start-main.cjs');
