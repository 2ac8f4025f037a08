import { satisfies } from '../recipes/version-range.js';

/** Majors that are asked for in a registry, beside the one that the platform itself runs on. */
const MAJORS = [24, 22, 20, 18];

/**
 * Tag of the official image that fits `engines.node`: the platform's own major where that fits, else
 * the newest; undefined where no tag can be told from the range.
 */
export const tagFor = (engines: string | null, platformVersion: string): string | undefined => {
  const own = Number(platformVersion.split('.')[0]);
  const majors = [own, ...MAJORS.filter((major) => major !== own)];
  if (engines === null) return String(own);
  // The last release of a major is not known; no major has reached this one.
  const fitting = majors.find((major) => satisfies(`${major}.99.99`, engines) === true);
  if (fitting !== undefined) return String(fitting);
  return /^[v=~\s]*(\d+\.\d+(?:\.\d+)?)(?:\.[xX*])?$/.exec(engines.trim())?.[1];
};
