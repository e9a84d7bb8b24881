/**
 * The CRI's mounts, checked and resolved on the host: symlinks followed, kinds known, and propagation
 * possible. What is wrong with a mount is said here, before anything of the container exists.
 */
import type { Mount } from "../api/index.ts";
import {
  type HostFiles,
  isErrno,
  type MountAttr,
  type Propagation,
  RuntimeError,
} from "../kernel/index.ts";
import { cleanPath, isBelow } from "./container-path.ts";
import { type MountTableEntry, mountOf, parseMountTable } from "./mount-table.ts";

export interface ResolvedMount {
  /** Clean absolute path in the container. */
  readonly destination: string;
  /** Host path with its symlinks resolved; of an image mount, the root of the image. */
  readonly source: string;
  /** Path inside `source`, resolved without ever leaving it; "" for `source` itself. */
  readonly subPath: string;
  readonly kind: "directory" | "file";
  readonly readonly: boolean;
  readonly recursiveReadOnly: boolean;
  readonly propagation: Exclude<Propagation, "unbindable">;
  readonly attrs: readonly MountAttr[];
}

/** lxcfs and its like put files of their own over these; anything else below /proc is refused (CVE-2019-16884). */
const allowedBelowProc = ["cpuinfo", "diskstats", "loadavg", "meminfo", "slabinfo", "stat", "swaps"]
  .concat(["uptime", "net/dev", "sys/kernel/ns_last_pid", "sys/crypto/fips_enabled"])
  .map((name) => `/proc/${name}`);

const optionAttrs: Readonly<Record<string, MountAttr>> = {
  noexec: "noexec",
  nosuid: "nosuid",
  nodev: "nodev",
  noatime: "noatime",
  nodiratime: "nodiratime",
  relatime: "relatime",
  strictatime: "strictatime",
  nosymfollow: "nosymfollow",
};

/**
 * Resolves the mounts of a container in the order given. `imageMounts` says where the image of a
 * mount is mounted on the host. INVALID_ARGUMENT for every mount that cannot be made as asked.
 */
export async function resolveMounts(
  files: HostFiles,
  mounts: readonly Mount[],
  imageMounts: ReadonlyMap<string, string>,
): Promise<readonly ResolvedMount[]> {
  const resolved: ResolvedMount[] = [];
  let table: readonly MountTableEntry[] | undefined;
  for (const mount of mounts) {
    const destination = checkMount(mount);
    if (resolved.some((other) => other.destination === destination)) {
      throw invalid(`two mounts have the container path ${destination}`);
    }
    const source = await resolveSource(files, mount, imageMounts);
    const propagation = propagationOf(mount);
    if (propagation !== "private") {
      table ??= await readMountTable(files);
      checkPropagation(table, source.source, propagation);
    }
    resolved.push({
      ...source,
      destination,
      readonly: mount.readonly,
      recursiveReadOnly: mount.recursiveReadOnly,
      propagation,
      attrs: mount.mountOptions.map((option) => attrOf(option, destination)),
    });
  }
  return resolved;
}

function checkMount(mount: Mount): string {
  const destination = cleanPath(mount.containerPath, "container path of a mount");
  if (destination === "/") throw invalid("a mount cannot replace the container's root");
  if (isBelow(destination, "/proc") && !allowedBelowProc.includes(destination)) {
    throw invalid(`mount ${destination} is refused: nothing may cover the container's /proc`);
  }
  if (mount.recursiveReadOnly && !mount.readonly) {
    throw invalid(`mount ${destination} asks for recursive_read_only, but not for readonly`);
  }
  if (mount.recursiveReadOnly && mount.propagation !== "PROPAGATION_PRIVATE") {
    throw invalid(
      `mount ${destination} asks for recursive_read_only together with ${mount.propagation}`,
    );
  }
  if (mount.uidMappings.length > 0 || mount.gidMappings.length > 0) {
    throw invalid(`mount ${destination} has id mappings, but the pod has no user namespace`);
  }
  return destination;
}

type Source = Pick<ResolvedMount, "source" | "subPath" | "kind">;

async function resolveSource(
  files: HostFiles,
  mount: Mount,
  imageMounts: ReadonlyMap<string, string>,
): Promise<Source> {
  if (mount.image !== undefined && mount.image.image !== "") {
    return resolveImageSource(files, mount, imageMounts);
  }
  const source = await files.real(cleanPath(mount.hostPath, "host path of a mount"));
  const stat = source === undefined ? undefined : await files.stat(source, true);
  if (source === undefined || stat === undefined) {
    throw invalid(`mount ${mount.containerPath}: ${mount.hostPath} does not exist on the host`);
  }
  return { source, subPath: "", kind: stat.type === "directory" ? "directory" : "file" };
}

async function resolveImageSource(
  files: HostFiles,
  mount: Mount,
  imageMounts: ReadonlyMap<string, string>,
): Promise<Source> {
  if (mount.hostPath !== "") {
    throw invalid(`mount ${mount.containerPath} has both an image and a host path`);
  }
  if (!mount.readonly) {
    throw invalid(`mount ${mount.containerPath} of an image has to be read-only`);
  }
  if (mount.propagation !== "PROPAGATION_PRIVATE") {
    throw invalid(`mount ${mount.containerPath} of an image has to have private propagation`);
  }
  const source = imageMounts.get(mount.containerPath);
  if (source === undefined) {
    throw new RuntimeError("INTERNAL", `image of mount ${mount.containerPath} is not mounted`);
  }
  if (mount.imageSubPath === "") return { source, subPath: "", kind: "directory" };
  const subPath = cleanPath(`/${mount.imageSubPath}`, "image sub path");
  return { source, subPath, kind: await kindInImage(files, source, subPath, mount) };
}

/** A regular file can be read, a directory refuses with EINVAL, and what is not there is undefined. */
async function kindInImage(
  files: HostFiles,
  root: string,
  subPath: string,
  mount: Mount,
): Promise<ResolvedMount["kind"]> {
  if (mount.imageSubPath.split("/").includes("..")) {
    throw invalid(`image sub path ${JSON.stringify(mount.imageSubPath)} contains ".."`);
  }
  try {
    const bytes = await files.readInRoot(root, subPath, 1);
    if (bytes !== undefined) return "file";
  } catch (error) {
    if (isErrno(error, "EFBIG")) return "file";
    if (isErrno(error, "EINVAL", "EISDIR")) return "directory";
    if (!isErrno(error, "ENOENT", "ENOTDIR", "ELOOP")) throw error;
  }
  throw invalid(
    `image sub path ${mount.imageSubPath} does not exist in image ${mount.image?.image}`,
  );
}

function propagationOf(mount: Mount): ResolvedMount["propagation"] {
  if (mount.propagation === "PROPAGATION_BIDIRECTIONAL") return "shared";
  return mount.propagation === "PROPAGATION_HOST_TO_CONTAINER" ? "slave" : "private";
}

/** Events travel only from a mount that shares them; asking otherwise would be promised and not kept. */
function checkPropagation(
  table: readonly MountTableEntry[],
  source: string,
  propagation: Propagation,
): void {
  const mount = mountOf(table, source);
  if (mount === undefined) throw invalid(`no mount found for ${source}`);
  const possible =
    propagation === "shared"
      ? mount.sharedGroup > 0
      : mount.sharedGroup > 0 || mount.masterGroup > 0;
  if (possible) return;
  const wanted = propagation === "shared" ? "a shared mount" : "a shared or slave mount";
  throw invalid(`path ${source} is on ${mount.mountPoint}, which is not ${wanted}`);
}

async function readMountTable(files: HostFiles): Promise<readonly MountTableEntry[]> {
  const bytes = await files.read("/proc/self/mountinfo", 64 * 1024 * 1024);
  return bytes === undefined ? [] : parseMountTable(new TextDecoder().decode(bytes));
}

function attrOf(option: string, destination: string): MountAttr {
  const attr = optionAttrs[option];
  if (attr === undefined) {
    throw invalid(`mount ${destination} has the unknown option ${JSON.stringify(option)}`);
  }
  return attr;
}

function invalid(message: string): RuntimeError {
  return new RuntimeError("INVALID_ARGUMENT", message);
}
