// `npm test`.
'use strict';
require('./lib/node-version.cjs')('scripts/test.cjs');
require('./lib/test-main.cjs');
