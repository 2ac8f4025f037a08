import type { TestPlatform } from './platform.js';

/** Where the log ends, as `?at=` takes it. */
export const lastSequence = async (platform: TestPlatform): Promise<string> => {
  const listed = await platform.cli(['events', '--json']);
  const lines = listed.stdout.trim().split('\n');
  return (JSON.parse(lines.at(-1) ?? '{}') as { sequence: string }).sequence;
};

/** The canonical dump of the read models as they were at a place in the log. */
export const dumpAt = async (platform: TestPlatform, sequence: string): Promise<string> => {
  const answer = await fetch(`${platform.apiUrl}/v1/read-models/dump?at=${sequence}`, {
    headers: { authorization: `Bearer ${await platform.token()}` },
  });
  if (!answer.ok)
    throw new Error(`no dump at ${sequence}: ${answer.status} ${await answer.text()}`);
  return answer.text();
};
