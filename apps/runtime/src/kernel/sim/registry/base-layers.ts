/** Layers that several images stand on: a busybox userland, Alpine, Debian. */
import { userland } from "../program/userland.ts";
import { type Blob, buildLayer, filler, type LayerEntry } from "./image-builder.ts";

const directories: readonly LayerEntry[] = [
  { path: "dev/" },
  { path: "etc/" },
  { path: "home/" },
  { path: "proc/" },
  { path: "root/", mode: 0o700 },
  { path: "run/" },
  { path: "sys/" },
  { path: "tmp/", mode: 0o1777 },
  { path: "usr/" },
  { path: "usr/bin/" },
  { path: "usr/sbin/" },
  { path: "var/" },
  { path: "var/log/" },
  { path: "var/tmp/", mode: 0o1777 },
];

const accounts = {
  passwd:
    "root:x:0:0:root:/root:/bin/sh\ndaemon:x:1:1:daemon:/usr/sbin:/bin/false\n" +
    "www-data:x:33:33:www-data:/var/www:/bin/false\nnobody:x:65534:65534:nobody:/home:/bin/false\n",
  group: "root:x:0:\ndaemon:x:1:\ntty:x:5:\nwww-data:x:33:\nnogroup:x:65534:\n",
};

/** /bin with busybox and a link for each applet. */
function binaries(): readonly LayerEntry[] {
  const entries: LayerEntry[] = [{ path: "bin/" }];
  for (const { path, content, target, mode } of userland()) {
    const name = path.slice(1);
    if (content !== undefined) entries.push({ path: name, content, mode });
    else if (target !== undefined) entries.push({ path: name, type: "symlink", target });
  }
  return entries;
}

function etc(release: string, more: readonly LayerEntry[] = []): readonly LayerEntry[] {
  return [
    { path: "etc/passwd", content: accounts.passwd },
    { path: "etc/group", content: accounts.group },
    { path: "etc/shadow", content: "root:*::0:::::\n", mode: 0o640 },
    { path: "etc/hostname", content: "localhost\n" },
    { path: "etc/hosts", content: "127.0.0.1\tlocalhost\n" },
    { path: "etc/os-release", content: release },
    ...more,
  ];
}

const library = (path: string, bytes: number): LayerEntry => ({
  path,
  content: filler(path, bytes),
  mode: 0o755,
});

export function busyboxLayer(): Blob {
  return buildLayer([...directories, ...binaries(), ...etc('NAME="BusyBox"\nID=busybox\n')]);
}

export function alpineLayer(): Blob {
  const release = 'NAME="Alpine Linux"\nID=alpine\nVERSION_ID=3.22.1\n';
  return buildLayer([
    ...directories,
    ...binaries(),
    ...etc(release, [{ path: "etc/alpine-release", content: "3.22.1\n" }]),
    { path: "lib/" },
    library("lib/ld-musl-x86_64.so.1", 96 * 1024),
    library("lib/libcrypto.so.3", 160 * 1024),
    { path: "lib/libc.musl-x86_64.so.1", type: "symlink", target: "ld-musl-x86_64.so.1" },
  ]);
}

export function debianLayer(): Blob {
  const release =
    'PRETTY_NAME="Debian GNU/Linux 13 (trixie)"\nNAME="Debian GNU/Linux"\nVERSION_ID="13"\nID=debian\n';
  return buildLayer([
    ...directories,
    ...binaries(),
    ...etc(release, [{ path: "etc/debian_version", content: "13.1\n" }]),
    { path: "lib/" },
    { path: "lib/x86_64-linux-gnu/" },
    library("lib/x86_64-linux-gnu/libc.so.6", 224 * 1024),
    library("lib/x86_64-linux-gnu/libm.so.6", 64 * 1024),
    library("lib/x86_64-linux-gnu/libz.so.1.3.1", 32 * 1024),
  ]);
}
