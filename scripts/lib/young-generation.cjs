'use strict';
const { setFlagsFromString } = require('node:v8');

/**
 * `--max-semi-space-size` of `npm start` keeps the idle control plane small, and outvotes what a thread is given as
 * its `resourceLimits`: a long fold would copy what is still needed about all the time. This thread has its heap by
 * now and keeps it as it is; those that start later get what they ask for.
 */
const leaveOthersTheirs = () => setFlagsFromString('--max-semi-space-size=0');

module.exports = { leaveOthersTheirs };
