// Writes a recorded history into the real log of a platform, as its processes would have done.
import { EMPTY, START, WRITER_OF, aggregateOf } from '@shiplog/events';
import { openLog } from '@shiplog/runtime';

const IN_FLIGHT = 128;

/** What a commit has to come after: its stream, its app, the instances that it routes. */
const keysOf = ({ stream, events }) => {
  const { appId, routed = [], unrouted = [], drained = [] } = events[0].data;
  const instances = [...routed, ...unrouted, ...drained].map((id) => `instance.${id}`);
  return [stream, ...(appId === undefined ? [] : [appId]), ...instances];
};

/**
 * Appends every commit under the credentials of the process that writes its stream, many at a time.
 * Order is kept where it means something: within a stream, and within an app. Needs a running
 * nats-server and no running control plane. Answers the number of commits and events.
 */
export const fillLog = async (config, history) => {
  const opened = new Map();
  for (const writer of new Set(Object.values(WRITER_OF))) {
    opened.set(writer, await openLog(config, writer));
  }
  const revisions = new Map();
  const append = async ({ commit }) => {
    const { stream } = commit;
    const { log } = opened.get(WRITER_OF[aggregateOf(stream)]);
    const expected = revisions.get(stream) ?? EMPTY;
    const result = await log.append(stream, expected, commit);
    if (result.outcome !== 'appended') throw new Error(`${stream} has a writer beside this one`);
    revisions.set(stream, result.revision);
  };

  const tails = new Map();
  const running = new Set();
  let commits = 0;
  let events = 0;
  for (let after = START; ;) {
    const page = await history.readAfter(after, 1_000);
    if (page.length === 0) break;
    after = page.at(-1).position;
    for (const recorded of page) {
      const { commit } = recorded;
      const keys = keysOf(commit);
      const before = keys.map((key) => tails.get(key));
      const appended = Promise.all(before).then(() => append(recorded));
      for (const key of keys) tails.set(key, appended);
      running.add(appended);
      void appended.then(() => running.delete(appended));
      commits += 1;
      events += commit.events.length;
      while (running.size >= IN_FLIGHT) await Promise.race(running);
    }
  }
  await Promise.all(running);
  for (const { close } of opened.values()) await close();
  return { commits, events };
};
