import { CertificateStore } from './certificate-store.js';
import { Keyring } from './keyring.js';
import { MasterKey, type MasterKeyOptions } from './master-key.js';

/** Everything that one master key wraps. Only the process that writes it has one, the api. */
export class KeyStore {
  constructor(
    readonly master: MasterKey,
    readonly keyrings: readonly Keyring[],
  ) {}

  /**
   * At every start: makes the master key if this is the first one, wraps what earlier versions left
   * unwrapped, and finishes a rotation that a crash cut short. Throws `KeyStoreError` where the master key
   * is missing or another one, and changes nothing then.
   */
  open(): Promise<void> {
    return this.master.exclusively(async () => {
      for (const keyring of this.keyrings) await keyring.requireMasterKey();
      for (const keyring of this.keyrings) await keyring.sweep();
      await this.wrapAllAnew();
    });
  }

  /** Throws `KeyStoreError` where a rotation could not come to its end. */
  requireRotatable(): Promise<void> {
    return this.master.exclusively(async () => {
      for (const keyring of this.keyrings) await keyring.requireAllOpen();
      await this.master.requireWritable();
    });
  }

  /**
   * A new master key of this id in the place of today's, and every key wrapped with it; what was encrypted
   * with the keys stays as it is. Cut short anywhere, all keys go on opening, and `rotate` with the same id,
   * or the next `open`, finishes it. On repetition nothing happens. Answers how many keys it wraps.
   */
  rotate(id: string): Promise<number> {
    return this.master.exclusively(async () => {
      await this.master.addGeneration(id);
      this.master.fault('master-key-added');
      await this.wrapAllAnew();
      const lists = await Promise.all(this.keyrings.map((keyring) => keyring.list()));
      return lists.flat().filter(({ masterKeyId }) => masterKeyId === id).length;
    });
  }

  private async wrapAllAnew(): Promise<void> {
    for (const keyring of this.keyrings) await keyring.wrapAnew();
    this.master.fault('keys-wrapped');
    await this.master.dropOldGenerations();
  }
}

interface KeyStorePlaces {
  readonly masterKeyFile: string;
  /** Folders. */
  readonly keys: string;
  readonly personKeys: string;
  readonly platformKeys: string;
  readonly certificates: string;
}

export interface PlatformKeyStore {
  readonly store: KeyStore;
  readonly apps: Keyring;
  readonly people: Keyring;
  readonly certificates: CertificateStore;
}

/** The whole key store of a platform: a rotation reaches every key, whoever it belongs to. */
export const platformKeyStore = (
  { masterKeyFile, keys, personKeys, platformKeys, certificates }: KeyStorePlaces,
  options: MasterKeyOptions = {},
): PlatformKeyStore => {
  const master = new MasterKey(masterKeyFile, options);
  const apps = new Keyring(keys, master);
  const people = new Keyring(personKeys, master, 'person');
  const platform = new Keyring(platformKeys, master, 'platform');
  return {
    store: new KeyStore(master, [apps, people, platform]),
    apps,
    people,
    certificates: new CertificateStore(certificates, platform),
  };
};
