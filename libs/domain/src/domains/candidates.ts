import { PATH_PARTS_MAX, WILDCARD_LABELS_MAX } from '@shiplog/events';

/**
 * Domains that a request may come by, the nearest one first: the host itself before wildcards, a long wildcard
 * before a short one, and of each the longest path first. Both proxies ask in this order.
 */
export const domainCandidates = (host: string, path = ''): readonly string[] => {
  const paths = pathCandidates(path);
  return hostCandidates(host).flatMap((pattern) => paths.map((part) => `${pattern}${part}`));
};

/** A wildcard stands for one label or more, so never for its own base. */
export const hostCandidates = (host: string): readonly string[] => {
  const labels = host.split('.').slice(1);
  const count = Math.min(labels.length, WILDCARD_LABELS_MAX);
  const wildcards = Array.from({ length: Math.max(0, count - 1) }, (_, i) =>
    ['*', ...labels.slice(labels.length - count + i)].join('.'),
  );
  return [host, ...wildcards];
};

const pathCandidates = (path: string): readonly string[] => {
  const parts = path.split('/').slice(1, PATH_PARTS_MAX + 1);
  return [
    ...parts
      .map((_, i) => `/${parts.slice(0, parts.length - i).join('/')}`)
      .filter((p) => p !== '/'),
    '',
  ];
};
