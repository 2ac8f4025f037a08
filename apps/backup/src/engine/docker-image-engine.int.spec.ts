import { once } from 'node:events';
import { Readable } from 'node:stream';
import { connectEngine } from '@shiplog/engine';
import { pack } from 'tar-stream';
import { DockerImageEngine } from './docker-image-engine.js';
import { describeImageEngine } from './image-engine.contract.js';

const docker = connectEngine();
const REPOSITORY = `shiplog-backup-test/p${process.pid}`;

/** An image of one small file that no other image has. */
const make = async (ref: string): Promise<string> => {
  const layer = pack();
  layer.entry({ name: 'who' }, `${REPOSITORY} ${process.hrtime.bigint()}`);
  layer.finalize();
  const at = ref.lastIndexOf(':');
  const answer = await docker.importImage(Readable.from(layer), {
    repo: ref.slice(0, at),
    tag: ref.slice(at + 1),
  });
  answer.resume();
  await once(answer, 'end');
  return (await docker.getImage(ref).inspect()).Id;
};

describeImageEngine('DockerImageEngine', REPOSITORY, () => {
  const made: string[] = [];
  const remove = (id: string): Promise<void> =>
    docker
      .getImage(id)
      .remove({ force: true })
      .then(
        () => undefined,
        () => undefined,
      );
  return Promise.resolve({
    engine: new DockerImageEngine(docker),
    make: async (ref) => {
      const id = await make(ref);
      made.push(id);
      return id;
    },
    remove,
    clear: async () => {
      for (const id of made) await remove(id);
    },
  });
});
