import type Docker from 'dockerode';
import { expect, it } from 'vitest';
import { DockerGarbageEngine } from './docker-garbage-engine.js';
import { GarbageEngineError } from './garbage-engine.port.js';

const removing = (statusCode: number | undefined, message: string) => {
  const error = Object.assign(new Error(message), { statusCode });
  const remove = () => Promise.reject(error);
  const docker = { getContainer: () => ({ remove }) } as unknown as Docker;
  return new DockerGarbageEngine(docker, 'test').removeContainer('c1');
};

it('tells what is busy for now from what has failed, and that from an engine that is not there', async () => {
  const driver = 'driver "overlay2" failed to remove root filesystem';
  expect(await removing(404, 'no such container')).toBe('gone');
  expect(await removing(409, 'is running')).toBe('in-use');
  expect(await removing(500, `${driver}: device or resource busy`)).toBe('in-use');
  await expect(removing(500, `${driver}: input/output error`)).rejects.toThrow('input/output');
  await expect(removing(undefined, 'connect ENOENT')).rejects.toBeInstanceOf(GarbageEngineError);
});
