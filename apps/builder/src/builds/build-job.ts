import type { Image, ProcessSpec, Source } from '@shiplog/events';

/** One build to do: its source, and whose it is. */
export interface BuildJob {
  readonly buildId: string;
  readonly appId: string;
  readonly source: Source;
}

/** What a build came to. Failures are thrown. */
export interface BuildResult {
  readonly image: Image;
  readonly processes: Readonly<Record<string, ProcessSpec>>;
  readonly stack: 'dockerfile' | 'node' | 'image';
}

/** `<platform>/<app>:<build>`, in the letters that an engine takes. */
export const imageTag = (platform: string, { appId, buildId }: BuildJob): string =>
  `${platform}/${repositoryPart(appId)}:${tagPart(buildId)}`;

/** What was installed and built, kept so that the next build of the app need not do it again. */
export const cacheTag = (platform: string, { appId, buildId }: BuildJob): string =>
  `${cacheRepository(platform, appId)}:${tagPart(buildId)}`;

export const cacheRepository = (platform: string, appId: string): string =>
  `${platform}/${repositoryPart(appId)}-cache`;

/** A repository is of lower case, and separators stand between letters. */
const repositoryPart = (id: string): string =>
  /^[a-z0-9]+(?:[_-][a-z0-9]+)*$/.test(id) ? id : `x${Buffer.from(id).toString('hex')}`;

const tagPart = (id: string): string => (id.startsWith('-') ? `x${id}` : id);
