/** The images that come with the program, as images/builtin-images.ts makes them of the native binaries. */
import {
  type BuiltImage,
  buildImage,
  buildLayer,
  type LayerEntry,
  type RunConfig,
} from "./image-builder.ts";

/** Mount points that every container gets, so that a read-only root needs none made. */
const mountPoints: readonly LayerEntry[] = [
  { path: "dev/" },
  { path: "etc/" },
  { path: "etc/hostname" },
  { path: "etc/hosts" },
  { path: "etc/resolv.conf" },
  { path: "proc/" },
  { path: "sys/" },
  { path: "tmp/", mode: 0o1777 },
];

const pauseConfig: RunConfig = { User: "65535:65535", Entrypoint: ["/pause"], WorkingDir: "/" };
const demoConfig: RunConfig = {
  Entrypoint: ["/demo"],
  Cmd: ["sleep"],
  WorkingDir: "/",
  Env: ["PATH=/"],
};

export interface BuiltinImage {
  readonly reference: string;
  readonly image: BuiltImage;
}

function build(architecture: string): readonly BuiltinImage[] {
  const pause = buildLayer([...mountPoints, { path: "pause", program: "pause" }]);
  const demo = buildLayer([
    ...mountPoints,
    { path: "etc/passwd", content: "root:x:0:0:root:/:/demo\nnobody:x:65534:65534::/:/demo\n" },
    { path: "etc/group", content: "root:x:0:\nnogroup:x:65534:\n" },
    { path: "demo", program: "demo" },
  ]);
  return [
    { reference: "vitrine.local/pause:1", image: buildImage([pause], pauseConfig, architecture) },
    { reference: "vitrine.local/demo:1", image: buildImage([demo], demoConfig, architecture) },
  ];
}

const built = new Map<string, readonly BuiltinImage[]>();

/** Made once: the bytes are the same for every machine. */
export function builtinImages(architecture: string): readonly BuiltinImage[] {
  let images = built.get(architecture);
  if (images === undefined) {
    images = build(architecture);
    built.set(architecture, images);
  }
  return images;
}
