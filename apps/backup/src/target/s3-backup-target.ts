import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { BackupError } from '../backup-error.js';
import type { BackupTarget, StoredFile } from './backup-target.port.js';
import { fromTarget } from './from-target.js';
import type { TargetAddress } from './target-address.js';

/** Larger files go in parts, so that none is too large and a lost connection costs one part. */
const PART_BYTES = 8 * 1024 * 1024;

const CONNECT_MS = 10_000;
/** A connection that moves nothing for so long is lost; one that is slow is not. */
const IDLE_MS = 120_000;

type S3Address = Extract<TargetAddress, { kind: 's3' }>;

/**
 * A bucket of any S3-compatible service. Credentials are found by the SDK: environment, shared
 * credentials file, role of the machine; never in the address.
 */
export class S3BackupTarget implements BackupTarget {
  private readonly client: S3Client;

  constructor(
    readonly address: string,
    private readonly place: S3Address,
    idleMs = IDLE_MS,
  ) {
    const { region, endpoint } = place;
    this.client = new S3Client({
      region: region ?? process.env['AWS_REGION'] ?? 'us-east-1',
      // Services of their own name rarely have names for buckets.
      ...(endpoint === undefined ? {} : { endpoint, forcePathStyle: true }),
      // By default it waits for ever, and with it every backup after this one.
      requestHandler: { connectionTimeout: Math.min(CONNECT_MS, idleMs), socketTimeout: idleMs },
      // Not every compatible service knows the newer checksums; every object is named by its SHA-256.
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
    });
  }

  put(name: string, file: string): Promise<void> {
    return doing(`writing ${name}`, async () => {
      const { size } = await stat(file);
      const where = { Bucket: this.place.bucket, Key: this.key(name) };
      if (size <= PART_BYTES) {
        const Body = createReadStream(file);
        await this.client.send(new PutObjectCommand({ ...where, Body, ContentLength: size }));
        return;
      }
      const params = { ...where, Body: createReadStream(file) };
      await new Upload({ client: this.client, params, partSize: PART_BYTES }).done();
    });
  }

  read(name: string): Promise<Readable> {
    return doing(`reading ${name}`, async () => {
      const where = { Bucket: this.place.bucket, Key: this.key(name) };
      const { Body } = await this.client.send(new GetObjectCommand(where));
      if (Body === undefined) throw new Error('the answer has no body');
      return fromTarget(name, Body as Readable);
    });
  }

  list(prefix: string): Promise<readonly StoredFile[]> {
    return doing('listing', async () => {
      const found: StoredFile[] = [];
      let token: string | undefined;
      do {
        const page = await this.client.send(
          new ListObjectsV2Command({
            Bucket: this.place.bucket,
            Prefix: this.key(prefix),
            ContinuationToken: token,
          }),
        );
        for (const { Key, Size } of page.Contents ?? []) {
          const name = (Key ?? '').slice(this.place.prefix.length);
          found.push({ name, bytes: Size ?? 0 });
        }
        token = page.IsTruncated === true ? page.NextContinuationToken : undefined;
      } while (token !== undefined);
      return found;
    });
  }

  remove(name: string): Promise<void> {
    return doing(`removing ${name}`, async () => {
      const where = { Bucket: this.place.bucket, Key: this.key(name) };
      await this.client.send(new DeleteObjectCommand(where));
    });
  }

  /** An upload that was cut off is not seen; what it takes until then a rule of the bucket clears away. */
  removeLeftovers(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.client.destroy();
    return Promise.resolve();
  }

  private key(name: string): string {
    return `${this.place.prefix}${name}`;
  }
}

const doing = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof S3ServiceException && cause.name === 'NoSuchKey') {
      const name = what.slice('reading '.length);
      throw new BackupError('backup-damaged', `${name} is not there`, { cause });
    }
    throw new BackupError('backup-target-unavailable', what, { cause });
  }
};
