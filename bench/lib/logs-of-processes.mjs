// The log as three processes of a platform see it, each over a connection of its own.
import { JetStreamEventLog } from '@shiplog/events/jetstream';
import { connectNats, inboxPrefixOf } from '@shiplog/runtime';

export const logsOfProcesses = async (config) => {
  const connections = [];
  const logs = new Map();
  for (const name of ['api', 'deployer', 'router-sync']) {
    const connection = await connectNats(config, name);
    connections.push(connection);
    const options = {
      inboxPrefix: inboxPrefixOf(name),
      durability: () => Promise.resolve('disk'),
    };
    logs.set(name, new JetStreamEventLog(connection, options));
  }
  return {
    logOf: (name) => logs.get(name),
    close: async () => {
      for (const connection of connections) await connection.close();
    },
  };
};
