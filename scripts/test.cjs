// `npm test`.
'use strict';
require('./lib/node-version.cjs')(['node', 'scripts/test.cjs']);
require('./lib/test-main.cjs');
