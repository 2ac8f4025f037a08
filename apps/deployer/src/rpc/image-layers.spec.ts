import { expect, it } from 'vitest';
import { instructionOf } from './image-layers.js';

it.each([
  ['RUN /bin/sh -c npm ci --token=secret # buildkit', 'RUN'],
  ['COPY . /app # buildkit', 'COPY'],
  ['/bin/sh -c #(nop) ADD file:0123 in / ', 'ADD'],
  ['/bin/sh -c apt-get update', 'RUN'],
  ['|1 TOKEN=secret /bin/sh -c npm ci', 'RUN'],
  ['bazel build ...', null],
  ['', null],
])('a layer of "%s" is told by its instruction only', (createdBy, instruction) => {
  expect(instructionOf(createdBy)).toBe(instruction);
});
