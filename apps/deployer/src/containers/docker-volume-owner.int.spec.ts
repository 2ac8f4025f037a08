import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { LABEL, connectEngine } from '@shiplog/engine';
import { pack } from 'tar-stream';
import { busyboxImage } from '../testing/busybox-image.js';
import { cleanUp } from '../testing/clean-up.js';
import { DockerVolumes } from './docker-volumes.js';

const docker = connectEngine();
const platform = `test-${randomBytes(4).toString('hex')}`;
const volumes = new DockerVolumes(docker, platform);
const images: string[] = [];
let base: string;
beforeAll(async () => {
  base = await busyboxImage(docker);
});
afterAll(async () => {
  await cleanUp(docker, platform);
  for (const id of images) await docker.getImage(id).remove({ force: true });
});

const build = async (...lines: string[]): Promise<string> => {
  const tar = pack();
  tar.entry({ name: 'Dockerfile' }, [`FROM ${base}`, ...lines].join('\n'));
  tar.entry({ name: 'accounts' }, 'app:x:4711:4712::/:/bin/sh\n');
  tar.finalize();
  const tag = `shiplog-volume-owner-test:${randomBytes(4).toString('hex')}`;
  const options = { t: tag, forcerm: true };
  const output = await docker.buildImage(tar as unknown as NodeJS.ReadableStream, options);
  await new Promise((resolve) => docker.modem.followProgress(output, resolve));
  images.push(tag);
  return (await docker.getImage(tag).inspect()).Id;
};

/** What a container of the image says that runs this in it, without any capability. */
const said = async (imageId: string, volume: string, command: string): Promise<string> => {
  const container = await docker.createContainer({
    ...{ Image: imageId, Cmd: ['sh', '-c', command], Labels: { [LABEL.platform]: platform } },
    HostConfig: {
      CapDrop: ['ALL'],
      NetworkMode: 'none',
      Mounts: [{ Type: 'volume', Source: volume, Target: '/srv/data' }],
    },
  });
  await container.start();
  await container.wait();
  const output = await container.logs({ stdout: true, stderr: true });
  await container.remove();
  return output.toString('utf8').replaceAll(/[^ -~]/g, '');
};

const WHO =
  'exec 2>&1; busybox stat -c %u:%g:%a /srv/data; echo hello > /srv/data/file && cat /srv/data/file';
const TOP = ['COPY accounts /etc/passwd', 'RUN ["busybox", "mkdir", "-p", "/srv"]'];
const MADE = 'RUN ["busybox", "mkdir", "/srv/data"]';
const OWNED = 'RUN ["busybox", "chown", "4711:1", "/srv/data"]';

it.each([
  ['nothing there, a user by name', [...TOP, 'USER app'], /^4711:4712:755hello$/],
  ['nothing there, not even the folder above', ['USER 65532:65532'], /^65532:65532:755hello$/],
  ['nothing there, and root', TOP, /^0:0:755hello$/],
  ['a folder of the user there', [...TOP, MADE, OWNED, 'USER app'], /^4711:1:755hello$/],
  ['a folder of root there', [...TOP, MADE, 'USER app'], /^0:0:755.*can't create/],
])('a volume of an image with %s', async (what, lines, expected) => {
  const imageId = await build(...lines);
  const name = `${platform}-${what.replaceAll(/\W/g, '')}`;
  const spec = { name, labels: { [LABEL.platform]: platform } };
  const first = { imageId, path: '/srv/data' };
  await volumes.ensure({ ...spec, first });
  // As after a process that ended before it was in the log.
  await volumes.ensure({ ...spec, first });
  expect(await said(imageId, name, WHO)).toMatch(expected);
  const left = await docker.listContainers({ all: true, filters: { volume: [name] } });
  expect(left).toEqual([]);
});

it('a volume with something in it is nobody else’s from then on', async () => {
  const [asApp, asOther] = [await build(...TOP, 'USER app'), await build(...TOP, 'USER 1:1')];
  const spec = { name: `${platform}-kept`, labels: { [LABEL.platform]: platform } };
  await volumes.ensure({ ...spec, first: { imageId: asApp, path: '/srv/data' } });
  await said(asApp, spec.name, 'echo mine > /srv/data/file');
  await volumes.ensure({ ...spec, first: { imageId: asOther, path: '/srv/data' } });
  expect(await said(asApp, spec.name, WHO)).toBe('4711:4712:755hello');
});
