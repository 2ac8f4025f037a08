// In syntax that every Node.js parses: a too old one must be told so, not crash.
'use strict';

/** Ends the process with a command that runs `words` on the right Node.js, where this one is too old. */
module.exports = function refuseOldNode(words) {
  var version = process.versions.node.split('.').map(Number);
  if (version[0] > 20 || (version[0] === 20 && version[1] >= 19)) return;
  var system = process.platform === 'win32' ? 'win' : process.platform;
  // These packages are the program itself: no install script, and so also good for npm 6 and `ignore-scripts`.
  var packages = ['node-' + system + '-' + process.arch + '@22'];
  // The npm of such old versions cannot read today's lock files.
  if (version[0] < 16) packages.push('npm@10');
  var options = packages
    .map(function (name) {
      return '--package=' + name;
    })
    .join(' ');
  var command = ['npx --yes', options, '--'].concat(words, process.argv.slice(2)).join(' ');
  console.error(
    'Shiplog needs Node.js 20.19 or newer; this is ' +
      process.version +
      '.\n' +
      'Run it with a newer one, without installing anything:\n\n  ' +
      command +
      '\n\nor install a newer Node.js for good, for example: npm install --global n && n 22',
  );
  process.exit(1);
};
