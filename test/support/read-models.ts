import type { TestPlatform } from './platform.js';

/** Where the log ends, as `?at=` takes it. */
export const lastSequence = async (platform: TestPlatform): Promise<string> => {
  const listed = await platform.cli(['events', '--json']);
  const lines = listed.stdout.trim().split('\n');
  return (JSON.parse(lines.at(-1) ?? '{}') as { sequence: string }).sequence;
};

/** The canonical dump of the read models as they were at a place in the log, folded from there. */
export const dumpAt = (platform: TestPlatform, sequence: string): Promise<string> =>
  dump(platform, `?at=${sequence}`);

/** The canonical dump of the tables that are served. */
export const dumpNow = (platform: TestPlatform): Promise<string> => dump(platform, '');

const dump = async (platform: TestPlatform, query: string): Promise<string> => {
  const answer = await fetch(`${platform.apiUrl}/v1/read-models/dump${query}`, {
    headers: { authorization: `Bearer ${await platform.token()}` },
  });
  if (!answer.ok) throw new Error(`no dump${query}: ${answer.status} ${await answer.text()}`);
  return answer.text();
};
