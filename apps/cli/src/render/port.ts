import type { Port } from '@shiplog/api-client';

/** `32100 to broker at 1883`. */
export const portText = ({ port, process, containerPort }: Port): string =>
  `${port} to ${process}${containerPort === null ? '' : ` at ${containerPort}`}`;
