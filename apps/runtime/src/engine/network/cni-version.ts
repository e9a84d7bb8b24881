/** Versions of the CNI specification: which this runtime speaks, and how they compare. */

/** Oldest first. */
export const cniVersions: readonly string[] = [
  "0.1.0",
  "0.2.0",
  "0.3.0",
  "0.3.1",
  "0.4.0",
  "1.0.0",
  "1.1.0",
];

/** Whether `version` is the same as, or newer than, `other`; both are among `cniVersions`. */
export function isAtLeast(version: string, other: string): boolean {
  return cniVersions.indexOf(version) >= cniVersions.indexOf(other);
}

/**
 * The version of a configuration: the newest this runtime speaks of `cniVersion` and the list `cniVersions`
 * (CNI specification 1.1, section 1). Throws an Error when there is none.
 */
export function chooseVersion(cniVersion: unknown, more: unknown): string {
  const offered = [cniVersion ?? "0.1.0", ...(Array.isArray(more) ? more : [])];
  const version = cniVersions.findLast((known) => offered.includes(known));
  if (version === undefined) {
    const said = offered.map((one) => JSON.stringify(one)).join(", ");
    throw new Error(`cniVersion ${said} is not one of ${cniVersions.join(", ")}`);
  }
  return version;
}
