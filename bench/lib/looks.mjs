// Looks into the past of a platform (`--at`), each at another moment, so that nothing of it is at hand.
import { median, spread } from './figures.mjs';

export const lookFigures = (times) => ({
  medianMs: Math.round(median(times)),
  worstMs: Math.round(Math.max(...times)),
  spread: spread(times, 0),
});

const timed = async (look) => {
  const startedAt = performance.now();
  await look();
  return performance.now() - startedAt;
};

/** What people ask of the past: all apps, and what one of them had. */
const OF_AN_APP = {
  ps: (client, id, at) => client.apps.instances(id, { at }),
  // These values are made up, and no key opens them: the refusal comes when all has been found.
  configList: (client, id, at) =>
    client.config.list(id, { at }).catch((error) => {
      if (error.code !== 'key-missing') throw error;
    }),
  domainsList: (client, id, at) => client.domains.list(id, { at }),
};

/**
 * `looks` of each kind at random places among the first `head` commits; at times between `first` and `last`
 * (milliseconds) where they are given. Milliseconds by kind.
 */
export const lookAround = async (client, { head, first, last }, looks, random) => {
  const times = { appsList: [], appsListByTime: [], ps: [], configList: [], domainsList: [] };
  for (let i = 0; i < looks; i += 1) {
    const at = () => 1 + Math.floor(random() * head);
    times.appsList.push(await timed(() => client.apps.list({ at: `${at()}` })));
    if (first !== undefined) {
      const time = new Date(first + random() * (last - first)).toISOString();
      times.appsListByTime.push(await timed(() => client.apps.list({ at: time })));
    }
    for (const [kind, ask] of Object.entries(OF_AN_APP)) {
      const place = at();
      const [app] = await client.apps.list({ at: `${place}` });
      // There are a few commits between the destruction of one app and the next; the next place is another past.
      if (app !== undefined)
        times[kind].push(await timed(() => ask(client, app.id, `${place + 1}`)));
    }
  }
  return Object.fromEntries(
    Object.entries(times)
      .filter(([, values]) => values.length > 0)
      .map(([kind, values]) => [kind, lookFigures(values)]),
  );
};

/** The longest that anybody waited for today's answer meanwhile. Ended by calling what it answers. */
export const watchOthers = (client) => {
  let longest = 0;
  let isOver = false;
  const asking = (async () => {
    while (!isOver) {
      longest = Math.max(longest, await timed(() => client.platform.whoami()));
      await new Promise((done) => setTimeout(done, 20));
    }
  })();
  return async () => {
    isOver = true;
    await asking;
    return Math.round(longest);
  };
};
