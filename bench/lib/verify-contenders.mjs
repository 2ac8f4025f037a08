// The thread of bench/verify.mjs: told `raw`, `counted` or `verify`, it does that once and tells how long it took.
import { once } from 'node:events';
import { parentPort, workerData } from 'node:worker_threads';
import { createInbox } from '@nats-io/nats-core';
import { inboxPrefixOf, openLog } from '@shiplog/runtime';
import { verifyLog } from '../../apps/api/dist/integrity/verify.js';

// As `storedUpTo` in apps/api reads.
const BATCH = 500;
const ON_THEIR_WAY = 4;

const { config, job } = workerData;
const { connection, log, close } = await openLog(config, 'api');

/** As many messages as there are, by the client alone; `isNext` looks at each. */
const read = async (isNext) => {
  const head = Number(await log.head());
  const asked = [];
  let next = 1;
  let count = 0;
  for (;;) {
    for (; asked.length < ON_THEIR_WAY && next <= head; next += BATCH)
      asked.push(batch(next, isNext));
    if (asked.length === 0) return count;
    count += await asked.shift();
  }
};

const isAsNumbered = (message, sequence) =>
  Number(message.headers?.get('Nats-Sequence')) === sequence;

const batch = (from, isNext) =>
  new Promise((resolve, reject) => {
    let count = 0;
    const inbox = createInbox(inboxPrefixOf('api'));
    const subscription = connection.subscribe(inbox, {
      callback: (error, message) => {
        if (error !== null) return reject(error);
        // The end of a batch has no data.
        if (message.data.length > 0) {
          if (!isNext(message, from + count)) reject(new Error(`${from + count} is not there`));
          count += 1;
          return;
        }
        subscription.unsubscribe();
        resolve(count);
      },
    });
    const request = JSON.stringify({ seq: from, batch: BATCH, max_bytes: 4 * 1024 * 1024 });
    connection.publish('$JS.API.DIRECT.GET.LOG', request, { reply: inbox });
  });

const verify = async () => {
  for await (const line of verifyLog(log, job, new AbortController().signal)) {
    if (line.kind !== 'result') continue;
    if (!line.ok) throw new Error(`not verified: ${JSON.stringify(line.firstBad)}`);
    return line.checked;
  }
};

const JOBS = { raw: () => read(isAsNumbered), counted: () => read(() => true), verify };

parentPort.postMessage('ready');
for (;;) {
  const [order] = await once(parentPort, 'message');
  if (order === 'end') break;
  const startedAt = performance.now();
  const checked = await JOBS[order]();
  parentPort.postMessage({ seconds: (performance.now() - startedAt) / 1000, checked });
}
await close();
parentPort.close();
