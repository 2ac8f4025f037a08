import { defineCommand } from '../command.js';

export const version = defineCommand({
  name: 'version',
  summary: 'show the version of program and server',
  examples: [['version', 'both, if the server answers']],
  run: async ({ client, io, out }) => {
    const server = await serverVersion(client);
    out.json({ client: io.version, server: server ?? null });
    out.fields([
      ['shiplog', io.version],
      ['server', server ?? 'does not answer, or you are not logged in'],
      ['Node.js', process.version],
    ]);
  },
});

/** None where there is no server: the own version is known without one. */
const serverVersion = async (
  client: () => Promise<{ platform: { whoami(): Promise<{ version: string }> } }>,
): Promise<string | undefined> => {
  try {
    return (await (await client()).platform.whoami()).version;
  } catch (error) {
    if (error instanceof Error) return undefined;
    throw error;
  }
};
