import { faultPoint, pathsOf, type PlatformConfig } from '@shiplog/runtime';
import { platformKeyStore, type PlatformKeyStore } from '@shiplog/secrets';

/** The key store as its one writer has it. */
export const keyStoreOf = (
  config: Pick<PlatformConfig, 'home' | 'masterKeyFile'>,
): PlatformKeyStore => {
  const fault = (point: string): void => faultPoint(`api/${point}`);
  return platformKeyStore({ ...pathsOf(config.home), ...config }, { fault });
};
