// The log of a fleet, as the platform would have written it by its own deciders: in a process of its own, since whoever
// reads it afterwards has nothing of it in memory yet.
//   node bench/lib/fleet-log.mjs HOME PORT-OF-NATS APPS INSTANCES-OF-EACH PORT-OF-INSTANCES     tells on stdout what there is
import { START } from '@shiplog/events';
import { encodeCommit } from '@shiplog/events/log';
import { readConfig } from '@shiplog/runtime';
import { testPlatform } from '../../apps/router-sync/dist/testing/test-platform.js';
import { addressOf } from './fleet-addresses.mjs';
import { fillRaw } from './long-log.mjs';

const COMMITS_AT_ONCE = 1_000;

const [home, natsPort, apps, each, port] = process.argv.slice(2);

const history = async () => {
  const platform = await testPlatform();
  let n = 0;
  for (let a = 0; a < Number(apps); a += 1) {
    await platform.createApp(`app${a}`);
    for (let i = 0; i < Number(each); i += 1) {
      n += 1;
      await platform.scheduled(`app${a}`, `i${n}`, Number(port), { address: addressOf(n) });
      await platform.readyAgain(`i${n}`, 'direct');
    }
    if (a % 1_000 === 999) process.stderr.write(`    ${a + 1} apps told\n`);
  }
  await platform.close();
  return platform.log;
};

async function* commitsOf(log) {
  for (let after = START; ;) {
    const page = await log.readAfter(after, COMMITS_AT_ONCE);
    if (page.length === 0) return;
    after = page.at(-1).position;
    for (const { commit, hash } of page)
      yield {
        stream: commit.stream,
        id: commit.id,
        hash,
        bytes: encodeCommit(commit),
        events: commit.events.length,
      };
  }
}

const config = readConfig({ SHIPLOG_HOME: home, SHIPLOG_NATS_PORT: natsPort });
const filled = await fillRaw(config, commitsOf(await history()));
process.stdout.write(JSON.stringify(filled));
process.exit();
