// What the instances of test/support/apps/ledger executed, from their logs as they are written: containers come and go meanwhile.
import { LABEL } from '@shiplog/engine';

const LINE = /LEDGER (\d+)\n/g;
const LOOK_EVERY_MS = 500;

/** Follows the logs of all instances of a platform. `counts` has how often each id was executed. */
export const followLedgers = (engine, platformName, idsMax) => {
  const counts = new Uint8Array(idsMax);
  const followed = new Map();
  const follow = async (id) => {
    const log = await engine.getContainer(id).logs({ stdout: true, stderr: false, follow: true });
    let rest = '';
    log.on('data', (chunk) => {
      const text = rest + chunk.toString('latin1');
      let end = 0;
      for (const match of text.matchAll(LINE)) {
        counts[Number(match[1])] += 1;
        end = match.index + match[0].length;
      }
      rest = text.slice(end);
    });
    log.on('error', (error) => process.stderr.write(`    log of ${id}: ${error.message}\n`));
    followed.set(id, log);
  };
  const label = [`${LABEL.platform}=${platformName}`, LABEL.instance];
  const look = async () => {
    // Running ones: the log of one that has not begun is at its end at once.
    for (const { Id } of await engine.listContainers({ filters: { label } })) {
      if (followed.has(Id)) continue;
      followed.set(Id, undefined);
      void follow(Id).catch(() => followed.delete(Id));
    }
  };
  let looking = Promise.resolve();
  const timer = setInterval(() => {
    looking = looking.then(look).catch(() => undefined);
  }, LOOK_EVERY_MS);
  return {
    counts,
    stop: async () => {
      clearInterval(timer);
      await looking;
      for (const log of followed.values()) log?.destroy();
    },
  };
};

/** Of a POST; as bench/lib/long-load.mjs writes them. */
const SENT = 1;
const ANSWERED = 2;
const KEYED = 4;

/** What is wrong with the POSTs: of one with a key, the app may see it more than once. */
export const wrongIn = (fates, counts) => {
  const wrong = { twice: [], lost: [] };
  fates.forEach((fate, id) => {
    if ((fate & SENT) === 0) return;
    if (counts[id] > 1 && (fate & KEYED) === 0) wrong.twice.push(id);
    if (counts[id] === 0 && (fate & ANSWERED) !== 0) wrong.lost.push(id);
  });
  return wrong;
};
