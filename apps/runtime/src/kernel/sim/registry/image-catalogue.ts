/** What the simulated registries have: ordinary images, and some that a runtime must not fall for. */
import { alpineLayer, busyboxLayer, debianLayer } from "./base-layers.ts";
import {
  type Blob,
  type BuiltImage,
  buildImage,
  buildIndex,
  buildLayer,
  type RunConfig,
} from "./image-builder.ts";
import { nginxConfig, nginxLayers } from "./nginx-layers.ts";

const path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** A repository: what its tags stand for, and every manifest and blob by digest. */
export interface Repository {
  readonly tags: ReadonlyMap<string, Blob>;
  readonly manifests: ReadonlyMap<string, Blob>;
  readonly blobs: ReadonlyMap<string, Blob>;
  readonly isPrivate: boolean;
}

interface Published {
  readonly name: string;
  readonly tags: readonly string[];
  readonly layers: readonly Blob[];
  readonly config: RunConfig;
  /** Several make an index. */
  readonly architectures?: readonly string[];
  readonly isPrivate?: boolean;
}

const everywhere: readonly string[] = ["amd64", "arm64"];

/** A symlink to the host's /etc, and a file behind it: unpacked carelessly, it would be the host's. */
function hostileLayer(): Blob {
  return buildLayer([
    { path: "etc/" },
    { path: "etc/hostname", content: "inside\n" },
    { path: "escape", type: "symlink", target: "/etc" },
    { path: "up", type: "symlink", target: "../../../../../../etc" },
    { path: "escape/passwd", content: "planted:x:0:0::/:/bin/sh\n" },
    { path: "up/shadow", content: "planted::0:0:::::\n" },
    { path: "../../../../../../etc/cron.d/planted", content: "* * * * * root /planted\n" },
  ]);
}

/** The manifest promises one digest, the registry sends other bytes. */
function brokenLayer(): Blob {
  const { descriptor } = buildLayer([{ path: "etc/" }, { path: "etc/motd", content: "true\n" }]);
  const lie = buildLayer([{ path: "etc/" }, { path: "etc/motd", content: "lies\n" }]);
  return { bytes: lie.bytes, descriptor };
}

function published(): readonly Published[] {
  const busybox = busyboxLayer();
  const pause = buildLayer([{ path: "pause", program: "pause" }]);
  const shell = { Cmd: ["/bin/sh"], Env: [path] };
  return [
    {
      name: "docker.io/library/busybox",
      tags: ["latest", "1.37"],
      layers: [busybox],
      config: { Cmd: ["sh"], Env: [path] },
      architectures: everywhere,
    },
    {
      name: "docker.io/library/alpine",
      tags: ["latest", "3.22"],
      layers: [alpineLayer()],
      config: shell,
      architectures: everywhere,
    },
    {
      name: "docker.io/library/nginx",
      tags: ["latest", "1.29"],
      layers: [debianLayer(), ...nginxLayers()],
      config: nginxConfig,
      architectures: everywhere,
    },
    {
      name: "registry.k8s.io/pause",
      tags: ["3.9", "3.10", "3.10.1"],
      layers: [pause],
      config: { User: "65535:65535", Entrypoint: ["/pause"], WorkingDir: "/", Env: [path] },
      architectures: everywhere,
    },
    {
      name: "docker.io/vitrine/hostile",
      tags: ["latest"],
      layers: [busybox, hostileLayer()],
      config: shell,
    },
    {
      name: "docker.io/vitrine/wrong-digest",
      tags: ["latest"],
      layers: [busybox, brokenLayer()],
      config: shell,
    },
    {
      name: "docker.io/vitrine/private",
      tags: ["latest"],
      layers: [busybox],
      config: shell,
      isPrivate: true,
    },
    {
      name: "docker.io/vitrine/foreign",
      tags: ["latest"],
      layers: [busybox],
      config: shell,
      architectures: ["s390x", "ppc64le"],
    },
  ];
}

function repositoryOf(image: Published): Repository {
  const architectures = image.architectures ?? ["amd64"];
  const images = architectures.map((architecture): readonly [string, BuiltImage] => [
    architecture,
    buildImage(image.layers, image.config, architecture),
  ]);
  const [only] = images;
  const target =
    image.architectures === undefined && only !== undefined ? only[1].manifest : buildIndex(images);
  const manifests = [target, ...images.map(([, { manifest }]) => manifest)];
  const blobs = [...image.layers, ...images.map(([, { config }]) => config)];
  const byDigest = (all: readonly Blob[]) =>
    new Map(all.map((blob) => [blob.descriptor.digest, blob]));
  return {
    tags: new Map(image.tags.map((tag) => [tag, target])),
    manifests: byDigest(manifests),
    blobs: byDigest(blobs),
    isPrivate: image.isPrivate === true,
  };
}

let catalogue: ReadonlyMap<string, Repository> | undefined;

/** Repositories by full name ("docker.io/library/nginx"). Made once: the bytes are the same for every machine. */
export function imageCatalogue(): ReadonlyMap<string, Repository> {
  catalogue ??= new Map(published().map((image) => [image.name, repositoryOf(image)]));
  return catalogue;
}
