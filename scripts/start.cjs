// `npm start`. Written so that any Node.js can parse it: a too old one must be told so, not crash.
var version = process.versions.node.split('.').map(Number);
if (version[0] < 20 || (version[0] === 20 && version[1] < 19)) {
  console.error(
    'Shiplog needs Node.js 20.19 or newer; this is ' +
      process.version +
      '.\n' +
      'Run it with a newer one, without installing anything:\n\n' +
      '  npx --yes --package=node@22 -- node scripts/start.cjs\n\n' +
      'or install a newer Node.js for good, for example: npm install --global n && n 22',
  );
  process.exit(1);
}
require('./lib/start-main.cjs');
