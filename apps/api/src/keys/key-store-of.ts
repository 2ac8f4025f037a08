import { faultPoint, pathsOf, type PlatformConfig } from '@shiplog/runtime';
import { KeyStore, Keyring, MasterKey } from '@shiplog/secrets';

/** The key store as its one writer has it. */
export class ApiKeyStore extends KeyStore {
  constructor(
    master: MasterKey,
    readonly apps: Keyring,
  ) {
    super(master, [apps]);
  }
}

export const keyStoreOf = (config: Pick<PlatformConfig, 'home' | 'masterKeyFile'>): ApiKeyStore => {
  const fault = (point: string): void => faultPoint(`api/${point}`);
  const master = new MasterKey(config.masterKeyFile, { fault });
  return new ApiKeyStore(master, new Keyring(pathsOf(config.home).keys, master));
};
