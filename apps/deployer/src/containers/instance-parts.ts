import type { ActiveApp, KnownInstance, Release, World } from '@shiplog/domain';
import type { Image } from '@shiplog/events';
import type { Keyring } from '@shiplog/secrets';

/** The release that an instance runs, as long as it may still matter. */
export const releaseOf = (world: World, instance: KnownInstance): Release | undefined => {
  const deployment = world.deployment(instance.appId);
  return [deployment?.target, deployment?.live].find(
    (candidate) => candidate?.generation === instance.generation,
  )?.release;
};

/** Where its image is today: one that was built again has another id than the release knew. */
export const imageOf = (world: World, { buildId, image }: Release): Image => {
  const build = buildId === null ? undefined : world.get('build', buildId).state;
  return build?.status === 'succeeded' ? build.image : image;
};

/** Throws `KeyMissingError` when the app's key is gone. */
export const decryptConfig = async (
  keyring: Keyring,
  { appId }: Pick<ActiveApp, 'appId'>,
  { config }: Pick<Release, 'config'>,
): Promise<Record<string, string>> => {
  const plain: Record<string, string> = {};
  for (const [key, value] of Object.entries(config)) {
    plain[key] = await keyring.decrypt(appId, value);
  }
  return plain;
};
