/** Runtime steps: images and snapshots. */
import type { CatalogueEntry } from "./entry.ts";

const imageName = { "container.image.name": "full reference of the image" };
const digest = { "vitrine.image.digest": "digest of the blob" };
const specification = "https://github.com/opencontainers";

export const imageSteps = {
  "image.pull": {
    level: 2,
    from: "runtime",
    to: "registry",
    label: "pull {container.image.name}",
    reply: "{container.image.id}",
    attributes: {
      ...imageName,
      "container.image.id": "digest of the image configuration, the image's id",
      "vitrine.image.bytes": "bytes of all blobs of the image",
    },
    why: "An image is a list of archives and a description; all of it must lie here, verified, before a container can stand on it.",
    link: `${specification}/image-spec/blob/main/spec.md`,
  },
  "image.resolve": {
    level: 2,
    from: "runtime",
    to: "registry",
    label: "which manifest is {container.image.name}?",
    reply: "{vitrine.image.digest}",
    attributes: {
      ...imageName,
      "server.address": "host that answered, a mirror or the registry itself",
      "vitrine.image.digest": "digest of what the reference names today",
    },
    why: "A tag can move; the digest it stands for now names exactly these bytes for ever.",
    link: `${specification}/distribution-spec/blob/main/spec.md#pulling-manifests`,
  },
  "image.token": {
    level: 2,
    from: "runtime",
    to: "registry",
    label: "token for {vitrine.registry.scope}",
    attributes: {
      "server.address": "host of the token service",
      "vitrine.registry.scope": "what the token allows",
    },
    why: "Registries give out short-lived tokens for one repository, so that a password travels to one place only.",
    link: "https://distribution.github.io/distribution/spec/auth/token/",
  },
  "image.fetch": {
    level: 2,
    from: "runtime",
    to: "registry",
    label: "blob {vitrine.image.digest}",
    reply: "{vitrine.image.bytes} bytes",
    attributes: {
      ...digest,
      "vitrine.image.bytes": "size of the blob in bytes",
      "vitrine.image.media_type": "what the blob is",
      "vitrine.image.resumed_bytes": "bytes that an earlier attempt had left",
      "vitrine.image.attempts": "how many requests it took",
      "server.address": "host that sent it",
    },
    why: "Blobs are named by the hash of their content: whoever sends it, what arrives is checked against its own name.",
    link: `${specification}/distribution-spec/blob/main/spec.md#pulling-blobs`,
  },
  "image.unpack": {
    level: 2,
    from: "runtime",
    to: "kernel",
    label: "unpack layer {vitrine.image.diff_id}",
    reply: "{vitrine.unpack.entries} entries",
    attributes: {
      "vitrine.image.diff_id": "digest of the uncompressed layer",
      "vitrine.image.digest": "digest of the blob",
      "vitrine.unpack.entries": "entries of the archive",
      "vitrine.unpack.bytes": "bytes of the uncompressed archive",
      "vitrine.unpack.dropped_xattrs": "extended attributes the policy left out",
    },
    why: "A layer is an archive written by a stranger; a small confined program writes it, one that can see nothing but the target directory.",
    link: `${specification}/image-spec/blob/main/layer.md`,
  },
  "image.load": {
    level: 2,
    from: "client",
    to: "runtime",
    label: "load images of {vitrine.image.path}",
    attributes: { "vitrine.image.path": "docker-archive or OCI layout" },
    why: "Images can also travel as files, where there is no registry.",
    link: `${specification}/image-spec/blob/main/image-layout.md`,
  },
  "image.remove": {
    level: 2,
    from: "runtime",
    to: "kernel",
    label: "remove image {container.image.id}",
    attributes: { "container.image.id": "digest of the image configuration" },
    why: "All names of an image go at once; layers go when no image and no container stands on them.",
    link: "https://github.com/kubernetes/cri-api/blob/master/pkg/apis/runtime/v1/api.proto",
  },
  "snapshot.prepare": {
    level: 2,
    from: "runtime",
    to: "kernel",
    label: "prepare snapshot, layers below: {vitrine.snapshot.layers}",
    attributes: {
      "vitrine.snapshot.key": "container the snapshot is for",
      "vitrine.snapshot.layers": "read-only layers below it",
      "vitrine.snapshot.readonly": "whether it has no writable directory",
    },
    why: "Containers of one image share its layers; overlayfs puts an empty directory on top, where each one's own writes go.",
    link: "https://docs.kernel.org/filesystems/overlayfs.html",
  },
  "snapshot.remove": {
    level: 2,
    from: "runtime",
    to: "kernel",
    label: "remove snapshot",
    attributes: { "vitrine.snapshot.key": "container the snapshot was for" },
    why: "What a container wrote lives as long as the container, no longer.",
    link: "https://docs.kernel.org/filesystems/overlayfs.html",
  },
} as const satisfies Record<string, CatalogueEntry>;
