import { execFile } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { RouterError } from '../routes/router.port.js';

const run = promisify(execFile);

/** Where packages put it, though a user's PATH often does not lead there. */
const SYSTEM_DIRECTORIES = ['/usr/sbin', '/usr/local/sbin', '/usr/local/bin', '/usr/bin'];
const LUA_MODULE = 'ngx_http_lua_module.so';
const PACKAGES = 'nginx (1.22 or newer) and libnginx-mod-http-lua';

export interface NginxProgram {
  readonly command: string;
  /** Folder of the loadable modules. */
  readonly modules: string;
  /** Folder of the libraries in Lua that its Lua module needs. */
  readonly luaLibraries: string;
}

/** `SHIPLOG_NGINX`, else the first one in PATH, else where packages put it; with its Lua module. */
export const findNginx = async (env: NodeJS.ProcessEnv): Promise<NginxProgram> => {
  const given = env['SHIPLOG_NGINX'];
  const isGiven = given !== undefined && given !== '';
  const candidates = isGiven
    ? [given]
    : [...(env['PATH'] ?? '').split(delimiter).filter(Boolean), ...SYSTEM_DIRECTORIES].map(
        (directory) => join(directory, 'nginx'),
      );
  const command = await firstThat(candidates, (path) => isThere(path, constants.X_OK));
  if (command === undefined) {
    throw missing(
      isGiven
        ? `SHIPLOG_NGINX names ${given}, which is not a program that can be run`
        : `nginx was not found: install the packages ${PACKAGES}, or set SHIPLOG_NGINX to the program`,
    );
  }
  await assertVersion(command);
  // Beside the program, also where its package was unpacked into a folder of its own.
  const roots = [join(dirname(command), '../..'), join(dirname(command), '../root'), '/'];
  const modules = await firstThat(
    roots.flatMap((root) => [
      join(root, 'usr/lib/nginx/modules'),
      join(root, 'usr/lib64/nginx/modules'),
    ]),
    (folder) => isThere(join(folder, LUA_MODULE)),
  );
  const luaLibraries = await firstThat(
    roots.flatMap((root) => [
      join(root, 'usr/share/lua/5.1'),
      join(root, 'usr/local/share/lua/5.1'),
    ]),
    (folder) => isThere(join(folder, 'resty/core.lua')),
  );
  if (modules === undefined || luaLibraries === undefined) {
    throw missing(
      `${command} has no Lua module (${LUA_MODULE} and lua-resty-core): install the packages ${PACKAGES}`,
    );
  }
  return { command, modules, luaLibraries };
};

/** 1.22 is the oldest that this was tried with. */
const assertVersion = async (command: string): Promise<void> => {
  const said = await run(command, ['-v']).then(
    ({ stderr }) => stderr,
    () => '',
  );
  const [, major, minor] = /nginx\/(\d+)\.(\d+)/.exec(said) ?? [];
  if (Number(major) > 1 || (Number(major) === 1 && Number(minor) >= 22)) return;
  const what = major === undefined ? 'does not say that it is nginx' : `is ${said.trim()}`;
  throw missing(`${command} ${what}: install the packages ${PACKAGES}`);
};

const missing = (message: string): RouterError => new RouterError('router-binary-missing', message);

const isThere = (path: string, mode: number = constants.R_OK): Promise<boolean> =>
  access(path, mode).then(
    () => true,
    () => false,
  );

const firstThat = async (
  candidates: readonly string[],
  isRight: (candidate: string) => Promise<boolean>,
): Promise<string | undefined> => {
  for (const candidate of candidates) if (await isRight(candidate)) return candidate;
  return undefined;
};
