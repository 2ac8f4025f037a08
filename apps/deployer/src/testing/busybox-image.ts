import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type Docker from 'dockerode';
import { pack } from 'tar-stream';

const CANDIDATES = ['/bin/busybox', '/usr/bin/busybox'];
const APPLETS = [
  'sh',
  'sleep',
  'httpd',
  'echo',
  'cat',
  'nc',
  'true',
  'stty',
  'printf',
  'env',
  'id',
];

/**
 * An image from nothing but this machine's static busybox: no registry is needed. Returns its id;
 * the same bytes give the same id, so that all tests share one image.
 */
export const busyboxImage = async (docker: Docker): Promise<string> => {
  const busybox = CANDIDATES.find((path) => existsSync(path));
  if (busybox === undefined) {
    throw new Error('these tests need a static busybox: apt-get install busybox-static');
  }
  const fixed = { mtime: new Date(0), uid: 0, gid: 0 };
  const tar = pack();
  tar.entry(
    { ...fixed, name: 'Dockerfile' },
    'FROM scratch\nCOPY root /\nENV PATH=/bin\nCMD ["sleep", "100000"]\n',
  );
  tar.entry({ ...fixed, name: 'root/bin/busybox', mode: 0o755 }, await readFile(busybox));
  for (const applet of APPLETS) {
    tar.entry({ ...fixed, name: `root/bin/${applet}`, type: 'symlink', linkname: 'busybox' });
  }
  tar.entry({ ...fixed, name: 'root/www/index.html' }, 'hello\n');
  tar.entry({ ...fixed, name: 'root/bin/not-executable', mode: 0o644 }, '#!/bin/sh\n');
  tar.finalize();
  const tag = 'shiplog-deployer-test:busybox';
  const stream = await docker.buildImage(tar as unknown as NodeJS.ReadableStream, {
    t: tag,
    forcerm: true,
  });
  await new Promise<void>((resolve, reject) => {
    docker.modem.followProgress(stream, (error, output: { error?: string }[]) => {
      const failed = error?.message ?? output.find((line) => line.error !== undefined)?.error;
      if (failed === undefined) resolve();
      else reject(new Error(failed));
    });
  });
  return (await docker.getImage(tag).inspect()).Id;
};
