// `npm start`.
'use strict';
require('./lib/node-version.cjs')(['node', 'scripts/start.cjs']);
require('./lib/start-main.cjs');
