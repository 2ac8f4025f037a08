// A small virtual machine whose power can be cut: a kernel, busybox and nats-server in an initramfs, one
// virtual disk. What the guest did not sync is in its own memory and dies with QEMU; what it synced is
// with the host.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, copyFile, mkdir, open, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const require = createRequire(import.meta.url);
const { isDebian, unpackWithDependencies } = require('../../../scripts/lib/debian.cjs');
const { run, which } = require('../../../scripts/lib/run.cjs');

const KERNEL_PACKAGE = 'linux-image-cloud-amd64';
const PACKAGES = ['qemu-system-x86', KERNEL_PACKAGE, 'busybox-static'];
const MAKE_FILE_SYSTEM = '/sbin/mke2fs';
/** In the order in which one needs the other. The kernel has ext4 built in. */
const MODULES = [
  'virtio_ring',
  'virtio',
  'virtio_pci_legacy_dev',
  'virtio_pci_modern_dev',
  'virtio_pci',
  'virtio_blk',
  'failover',
  'net_failover',
  'virtio_net',
];
const DISK = '2G';
const MEMORY_MEGABYTES = 512;

/** Unpacks emulator, kernel and busybox from the machine's own packages; installs nothing. */
export const unpackMachine = async (folder) => {
  if (!isDebian() || process.arch !== 'x64' || !existsSync(MAKE_FILE_SYSTEM))
    throw new Error(
      `This needs Debian on amd64, for the packages ${PACKAGES.join(', ')}, and ${MAKE_FILE_SYSTEM} (package e2fsprogs).`,
    );
  const root = join(folder, 'root');
  const unpacked = join(folder, 'unpacked');
  if (!existsSync(unpacked)) {
    await unpackWithDependencies(PACKAGES, folder);
    await writeFile(unpacked, '');
  }
  // What the machine has installed is not unpacked.
  const kernelRoot = existsSync(join(root, 'boot')) ? root : '/';
  const kernel = (await readdir(join(kernelRoot, 'boot'))).find((name) =>
    name.startsWith('vmlinuz-'),
  );
  if (kernel === undefined) throw new Error(`${KERNEL_PACKAGE} brought no kernel`);
  const libraries = ['usr/lib', 'lib'].map((lib) => join(root, lib, 'x86_64-linux-gnu'));
  const at = (path, name) => (existsSync(join(root, path)) ? join(root, path) : which(name));
  return {
    root,
    qemu: at('usr/bin/qemu-system-x86_64', 'qemu-system-x86_64'),
    libraries: libraries.join(':'),
    kernel: join(kernelRoot, 'boot', kernel),
    modules: join(kernelRoot, 'lib/modules', kernel.slice('vmlinuz-'.length), 'kernel'),
    kernelVersion: kernel.slice('vmlinuz-'.length),
    busybox: at('bin/busybox', 'busybox'),
  };
};

const init = ({ store, modules, config }) => `#!/bin/sh
/bin/busybox mkdir -p /proc /sys /dev /tmp ${store}
/bin/busybox --install -s /bin
mount -t proc none /proc; mount -t sysfs none /sys; mount -t devtmpfs none /dev
for module in ${modules.join(' ')}; do insmod /modules/$module.ko || exit 1; done
mount -t ext4 /dev/vda ${store} || exit 1
ip link set lo up; ip link set eth0 up; ip addr add 10.0.2.15/24 dev eth0; ip route add default via 10.0.2.2
echo guest: starting nats-server
/bin/nats-server -c ${config}
echo guest: nats-server ended with $?
poweroff -f
`;

/** The initramfs: the rendered configuration lies where it lies on the host, and so does the store. */
export const makeInitramfs = async (machine, folder, { natsServer, config, store }) => {
  const tree = join(folder, 'initramfs');
  await rm(tree, { recursive: true, force: true });
  for (const sub of ['bin', 'modules', dirname(config)])
    await mkdir(join(tree, sub), { recursive: true });
  await copyFile(machine.busybox, join(tree, 'bin/busybox'));
  await symlink('busybox', join(tree, 'bin/sh'));
  await copyFile(config, join(tree, config));
  await copyFile(natsServer, join(tree, 'bin/nats-server'));
  for (const library of await librariesOf(natsServer)) {
    await mkdir(join(tree, dirname(library)), { recursive: true });
    await copyFile(library, join(tree, library));
  }
  for (const file of await readdir(machine.modules, { recursive: true })) {
    const name = MODULES.find((module) => file.endsWith(`/${module}.ko`));
    if (name !== undefined)
      await copyFile(join(machine.modules, file), join(tree, 'modules', `${name}.ko`));
  }
  await writeFile(join(tree, 'init'), init({ store, config, modules: MODULES }));
  for (const program of ['init', 'bin/busybox', 'bin/nats-server'])
    await chmod(join(tree, program), 0o755);
  const image = join(folder, 'initramfs.cpio');
  await pack(machine.busybox, tree, image);
  return image;
};

const librariesOf = async (program) => {
  const said = await run('ldd', [program]).catch(() => '');
  return [...said.matchAll(/(\/\S+) \(0x/g)].map((match) => match[1]);
};

const pack = async (busybox, tree, image) => {
  const names = (await readdir(tree, { recursive: true })).sort();
  const output = await open(image, 'w');
  const child = spawn(busybox, ['cpio', '-o', '-H', 'newc'], {
    cwd: tree,
    stdio: ['pipe', output.fd, 'ignore'],
  });
  child.stdin.end(`${names.join('\n')}\n`);
  const [code] = await once(child, 'close');
  await output.close();
  if (code !== 0) throw new Error(`busybox cpio ended with ${code}`);
};

/** An empty disk with an ext4 on it, as `mke2fs` makes it on any machine. */
export const makeDisk = async (path) => {
  await rm(path, { force: true });
  await run(MAKE_FILE_SYSTEM, ['-q', '-t', 'ext4', path, DISK]);
};

/** Boots the guest; nats-server is reached on the port given. \`cut\` is the power plug. */
export const boot = (machine, { initramfs, disk, port, guestPort, consoleFile }) => {
  const share = join(machine.root, 'usr/share');
  const args = [
    ...['-L', join(share, 'seabios'), '-L', join(share, 'qemu')],
    // Emulated: it boots in seconds, and works where nothing may be virtualised.
    ...['-accel', 'tcg'],
    ...[
      '-machine',
      'q35',
      '-m',
      String(MEMORY_MEGABYTES),
      '-smp',
      '1',
      '-display',
      'none',
      '-no-reboot',
    ],
    ...['-kernel', machine.kernel, '-initrd', initramfs],
    ...['-append', 'console=ttyS0 panic=-1 quiet'],
    ...['-serial', `file:${consoleFile}`, '-monitor', 'none', '-vga', 'none'],
    // What the guest syncs is written to the file; what it does not sync never leaves its memory.
    ...['-drive', `file=${disk},format=raw,if=virtio,cache=writeback`],
    ...['-netdev', `user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:${port}-10.0.2.15:${guestPort}`],
    ...['-device', 'virtio-net-pci,netdev=net,romfile='],
  ];
  const child = spawn(machine.qemu, args, {
    env: { ...process.env, LD_LIBRARY_PATH: machine.libraries },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (chunk) => (said += chunk.toString('utf8')));
  const ended = once(child, 'close');
  return {
    isAlive: () => child.exitCode === null && child.signalCode === null,
    said: () => said,
    cut: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
};
