'use strict';
const { existsSync } = require('node:fs');
const { dirname, join } = require('node:path');
const { which } = require('./run.cjs');
const { unpackedBins } = require('./tools.cjs');

/** The program, and the module that its routes live in. Not nginx-light: newer suites have it no more. */
const NGINX_PACKAGES = ['nginx', 'libnginx-mod-http-lua'];
const MODULE = 'nginx/modules/ngx_http_lua_module.so';

/** Where the modules of a program lie: beside it, also where its package was unpacked. */
const hasModule = (program) =>
  ['..', '../..', '../root'].some((up) =>
    ['lib', 'lib64', 'usr/lib', 'usr/lib64'].some((lib) =>
      existsSync(join(dirname(program), up, lib, MODULE)),
    ),
  );

/** The nginx that has its Lua module: the machine's own, else the one that an earlier start unpacked. */
const findNginx = () =>
  [which('nginx'), ...unpackedBins().map((bin) => join(bin, 'nginx'))].find(
    (program) => program !== undefined && existsSync(program) && hasModule(program),
  );

/** Is it asked for? */
const isNginxWanted = () => process.env.SHIPLOG_ROUTER === 'nginx';

module.exports = { NGINX_PACKAGES, findNginx, isNginxWanted };
