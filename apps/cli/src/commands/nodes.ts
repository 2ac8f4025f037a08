import { defineCommand, type GroupSpec } from '../command.js';
import { sizeText } from '../render/size.js';

const list = defineCommand({
  name: 'list',
  summary: 'list the machines on which instances run',
  examples: [['nodes list', 'with their size and number of instances']],
  takes: ['at'],
  run: async ({ client, read, out }) => {
    const nodes = await (await client()).platform.nodes(read);
    out.json(nodes);
    await out.table(
      nodes,
      [
        { title: 'node', value: ({ id }) => id },
        { title: 'host', value: ({ hostname }) => hostname },
        { title: 'cpus', value: ({ cpus }) => cpus, align: 'right' },
        { title: 'memory', value: ({ memoryBytes }) => sizeText(memoryBytes), align: 'right' },
        { title: 'instances', value: ({ instances }) => instances, align: 'right' },
        { title: 'engine', value: ({ engineVersion }) => engineVersion },
        { title: 'cgroups', value: ({ cgroupVersion }) => cgroupVersion },
      ],
      'No machine has reported yet. Is the deployer running? shiplog doctor',
    );
  },
});

export const nodes: GroupSpec = { name: 'nodes', summary: 'list machines', commands: [list] };
