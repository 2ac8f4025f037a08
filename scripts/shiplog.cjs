// What `./shiplog` runs.
'use strict';
require('./lib/node-version.cjs')(['./shiplog']);
const { join } = require('path');
const { pathToFileURL } = require('url');

void import(pathToFileURL(join(__dirname, '../apps/cli/dist/main.js')).href);
