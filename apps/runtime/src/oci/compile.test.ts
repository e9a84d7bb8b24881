/** Whole requests through the compiler, as the listing a person would read. */
import { describe, expect, it } from "vitest";
import { planToText } from "../kernel/plan-text.ts";
import { compileContainer, compileExec, compileSandbox } from "./compile.ts";
import { cgroupsHybrid, hostFacts, hostFiles } from "./fixture/host.ts";
import {
  containerConfig,
  containerRequest,
  containerSecurity,
  mount,
  namespaceOptions,
  podConfig,
  sandboxRequest,
  sandboxSecurity,
} from "./fixture/requests.ts";
import { prepareContainer, prepareSandbox } from "./prepare.ts";
import type { ContainerRequest, SandboxRequest } from "./request.ts";

const files = hostFiles({
  "/run/vitrine/containers/server/rootfs/etc/passwd": "app:x:1000:1000::/home/app:/bin/sh\n",
  "/run/vitrine/containers/server/rootfs/etc/group": "app:x:1000:\nextra:x:2000:app\n",
  "/sys/fs/cgroup/cpuset/cpuset.cpus": "0-1\n",
  "/sys/fs/cgroup/cpuset/cpuset.mems": "0\n",
  "/data": "directory",
  "/data.link": { link: "/data" },
  "/proc/self/mountinfo": "27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw\n",
});
const pause = { pid: 4000, startTime: 77 };
const filter = new Uint8Array(80);

async function sandbox(changes: Partial<SandboxRequest> = {}) {
  const request = sandboxRequest(changes);
  const groundwork = await prepareSandbox(files, request);
  return compileSandbox(request, groundwork, { netnsPath: "/run/netns/vitrine-aaaaaaaaaaaa" });
}

async function container(changes: Partial<ContainerRequest> = {}) {
  const request = containerRequest(changes);
  const groundwork = await prepareContainer(files, request);
  const seccompFilter = groundwork.seccompProfile === undefined ? undefined : filter;
  return compileContainer(request, groundwork, { pause, seccompFilter });
}

function ops(plan: Parameters<typeof planToText>[0], op: string): string[] {
  return planToText(plan)
    .split("\n")
    .filter((line) => line.split(/\s+/).includes(op));
}

describe("compileSandbox", () => {
  it("makes the pod's namespaces and little else", async () => {
    expect(planToText((await sandbox()).plan)).toMatchInlineSnapshot(`
      "create sandbox
       0  oci   open          /sys/fs/cgroup/vitrine/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa path,directory as <cgroup>
       1  oci   open          /run/netns/vitrine-aaaaaaaaaaaa rdonly as <netns>
       2  oci   setns         <netns> net
       3  oci   clone3        init new mnt,uts,ipc,pid cgroup <cgroup>
       4  init  setsid
       5  init  propagate     / private recursive
       6  init  open          /run/vitrine/containers/pause/rootfs path,directory as <rootfs>
       7  init  fsmount       tmpfs as <dev> nosuid,strictatime mode=755 size=65536k
       8  init  mknod         <dev>/null char 1:3 0666
       9  init  mknod         <dev>/zero char 1:5 0666
      10  init  mknod         <dev>/full char 1:7 0666
      11  init  mknod         <dev>/random char 1:8 0666
      12  init  mknod         <dev>/urandom char 1:9 0666
      13  init  mknod         <dev>/tty char 5:0 0666
      14  init  symlink       <dev>/fd -> /proc/self/fd
      15  init  symlink       <dev>/stdin -> /proc/self/fd/0
      16  init  symlink       <dev>/stdout -> /proc/self/fd/1
      17  init  symlink       <dev>/stderr -> /proc/self/fd/2
      18  init  symlink       <dev>/ptmx -> pts/ptmx
      19  init  moveMount     <dev> on <rootfs>/dev create directory
      20  init  openTree      /var/lib/vitrine/pods/web/resolv.conf as <etc/resolv.conf> clone recursive
      21  init  mountSetattr  <etc/resolv.conf> set rdonly
      22  init  moveMount     <etc/resolv.conf> on <rootfs>/etc/resolv.conf create file
      23  init  openTree      /run/vitrine/pods/web/shm as <dev/shm> clone recursive
      24  init  moveMount     <dev/shm> on <rootfs>/dev/shm create directory
      25  init  fsmount       proc as <proc> nosuid,noexec,nodev
      26  init  moveMount     <proc> on <rootfs>/proc create directory ordinary
      27  init  mountSetattr  <rootfs> set rdonly
      28  init  pivotRoot     <rootfs>
      29  init  sethostname   web
      30  init  sysctl        net.ipv4.ip_unprivileged_port_start = 0
      31  init  sysctl        net.ipv4.ping_group_range = "0 2147483647"
      32  init  oomScoreAdj   -998
      33  init  noNewPrivs
      34  init  umask         0022
      35  init  chdir         /
      36  init  capBounding   keep none
      37  init  chown         <stdin> owner 65535:-1  (ignore EPERM EINVAL EROFS)
      38  init  chown         <stdout> owner 65535:-1  (ignore EPERM EINVAL EROFS)
      39  init  chown         <stderr> owner 65535:-1  (ignore EPERM EINVAL EROFS)
      40  init  setgroups     65535
      41  init  setresgid     65535
      42  init  setresuid     65535
      43  init  capset        effective none permitted none inheritable none ambient none
      44  init  awaitStart
      45  init  closeRange    from 3
      46  init  execve        /pause argv [/pause] env PATH,HOME"
    `);
  });

  it("leaves the host's namespaces alone when the pod uses them", async () => {
    const options = namespaceOptions({ network: "NODE", pid: "NODE", ipc: "NODE" });
    const config = podConfig({
      linux: {
        cgroupParent: "",
        sysctls: {},
        securityContext: sandboxSecurity({ namespaceOptions: options }),
      },
    });
    const request = sandboxRequest({ config });
    const { plan, spec } = compileSandbox(request, await prepareSandbox(files, request), {});
    expect(ops(plan, "clone3")).toMatchInlineSnapshot(`
      [
        " 1  oci   clone3        init new mnt cgroup <cgroup>",
      ]
    `);
    expect(ops(plan, "setns")).toEqual([]);
    expect(ops(plan, "sethostname")).toEqual([]);
    expect(ops(plan, "sysctl")).toEqual([]);
    expect(spec.linux.namespaces).toEqual([{ type: "mount" }]);
  });
});

describe("compileContainer", () => {
  it("makes a container on cgroup v2", async () => {
    expect(planToText((await container()).plan)).toMatchInlineSnapshot(`
      "create container
       0  oci   open         /sys/fs/cgroup/vitrine/bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb path,directory as <cgroup>
       1  oci   pidfdOpen    pid 4000 as <pause>
       2  oci   setns        <pause> net,uts,ipc
       3  oci   clone3       init new mnt,pid cgroup <cgroup>
       4  init  setsid
       5  init  unshare      cgroup
       6  init  propagate    / private recursive
       7  init  open         /run/vitrine/containers/server/rootfs path,directory as <rootfs>
       8  init  fsmount      tmpfs as <dev> nosuid,strictatime mode=755 size=65536k
       9  init  mknod        <dev>/null char 1:3 0666
      10  init  mknod        <dev>/zero char 1:5 0666
      11  init  mknod        <dev>/full char 1:7 0666
      12  init  mknod        <dev>/random char 1:8 0666
      13  init  mknod        <dev>/urandom char 1:9 0666
      14  init  mknod        <dev>/tty char 5:0 0666
      15  init  symlink      <dev>/fd -> /proc/self/fd
      16  init  symlink      <dev>/stdin -> /proc/self/fd/0
      17  init  symlink      <dev>/stdout -> /proc/self/fd/1
      18  init  symlink      <dev>/stderr -> /proc/self/fd/2
      19  init  symlink      <dev>/ptmx -> pts/ptmx
      20  init  moveMount    <dev> on <rootfs>/dev create directory
      21  init  fsmount      sysfs as <sys> nosuid,noexec,nodev,rdonly
      22  init  moveMount    <sys> on <rootfs>/sys create directory ordinary
      23  init  fsmount      devpts as <dev/pts> nosuid,noexec newinstance ptmxmode=0666 mode=0620 gid=5
      24  init  moveMount    <dev/pts> on <rootfs>/dev/pts create directory
      25  init  fsmount      mqueue as <dev/mqueue> nosuid,noexec,nodev
      26  init  moveMount    <dev/mqueue> on <rootfs>/dev/mqueue create directory
      27  init  openTree     /var/lib/vitrine/pods/web/hostname as <etc/hostname> clone recursive
      28  init  moveMount    <etc/hostname> on <rootfs>/etc/hostname create file
      29  init  openTree     /var/lib/vitrine/pods/web/hosts as <etc/hosts> clone recursive
      30  init  moveMount    <etc/hosts> on <rootfs>/etc/hosts create file
      31  init  openTree     /var/lib/vitrine/pods/web/resolv.conf as <etc/resolv.conf> clone recursive
      32  init  moveMount    <etc/resolv.conf> on <rootfs>/etc/resolv.conf create file
      33  init  openTree     /run/vitrine/pods/web/shm as <dev/shm> clone recursive
      34  init  moveMount    <dev/shm> on <rootfs>/dev/shm create directory
      35  init  fsmount      cgroup2 as <sys/fs/cgroup> nosuid,noexec,nodev,relatime,rdonly
      36  init  moveMount    <sys/fs/cgroup> on <rootfs>/sys/fs/cgroup create directory
      37  init  fsmount      proc as <proc> nosuid,noexec,nodev
      38  init  moveMount    <proc> on <rootfs>/proc create directory ordinary
      39  init  pivotRoot    <rootfs>
      40  init  oomScoreAdj  0
      41  init  umask        0022
      42  init  chdir        /
      43  init  capBounding  keep 14 capabilities
      44  init  setgroups    0
      45  init  setresgid    0
      46  init  setresuid    0
      47  init  capset       effective 14 capabilities permitted 14 capabilities inheritable none ambient none
      48  init  awaitStart
      49  init  closeRange   from 3
      50  init  execve       /server argv [/server] env PATH,HOSTNAME,HOME"
    `);
  });

  it("joins every hierarchy of a hybrid host and shows the container its own", async () => {
    const { plan, cgroupPlan, cgroupPaths } = await container({
      facts: hostFacts({ cgroups: cgroupsHybrid }),
    });
    expect(cgroupPaths).toHaveLength(9);
    expect(ops(plan, "cgroupJoin")).toHaveLength(8);
    expect(
      planToText(plan)
        .split("\n")
        .filter((line) => line.includes("cgroup")),
    ).toMatchInlineSnapshot(`
      [
        " 0  oci   cgroupJoin    /sys/fs/cgroup/cpu/vitrine/bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
        " 1  oci   cgroupJoin    /sys/fs/cgroup/cpuacct/vitrine/bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
        " 2  oci   cgroupJoin    /sys/fs/cgroup/cpuset/vitrine/bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
        " 3  oci   cgroupJoin    /sys/fs/cgroup/memory/vitrine/bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
        " 4  oci   cgroupJoin    /sys/fs/cgroup/devices/vitrine/bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
        " 5  oci   cgroupJoin    /sys/fs/cgroup/freezer/vitrine/bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
        " 6  oci   cgroupJoin    /sys/fs/cgroup/blkio/vitrine/bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
        " 7  oci   cgroupJoin    /sys/fs/cgroup/pids/vitrine/bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
        " 8  oci   open          /sys/fs/cgroup/unified/vitrine/bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb path,directory as <cgroup>",
        "11  oci   clone3        init new mnt,pid cgroup <cgroup>",
        "42  init  fsmount       tmpfs as <sys/fs/cgroup> nosuid,noexec,nodev,relatime mode=755",
        "43  init  mkdir         <sys/fs/cgroup>/cpu 0755",
        "44  init  mkdir         <sys/fs/cgroup>/cpuacct 0755",
        "45  init  mkdir         <sys/fs/cgroup>/cpuset 0755",
        "46  init  mkdir         <sys/fs/cgroup>/memory 0755",
        "47  init  mkdir         <sys/fs/cgroup>/devices 0755",
        "48  init  mkdir         <sys/fs/cgroup>/freezer 0755",
        "49  init  mkdir         <sys/fs/cgroup>/blkio 0755",
        "50  init  mkdir         <sys/fs/cgroup>/pids 0755",
        "51  init  moveMount     <sys/fs/cgroup> on <rootfs>/sys/fs/cgroup create directory",
        "52  init  openTree      /sys/fs/cgroup/cpu/vitrine/bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb as <sys/fs/cgroup/cpu> clone",
        "53  init  moveMount     <sys/fs/cgroup/cpu> on <rootfs>/sys/fs/cgroup/cpu",
        "54  init  openTree      /sys/fs/cgroup/cpuacct/vitrine/bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb as <sys/fs/cgroup/cpuacct> clone",
        "55  init  moveMount     <sys/fs/cgroup/cpuacct> on <rootfs>/sys/fs/cgroup/cpuacct",
        "56  init  openTree      /sys/fs/cgroup/cpuset/vitrine/bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb as <sys/fs/cgroup/cpuset> clone",
        "57  init  moveMount     <sys/fs/cgroup/cpuset> on <rootfs>/sys/fs/cgroup/cpuset",
        "58  init  openTree      /sys/fs/cgroup/memory/vitrine/bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb as <sys/fs/cgroup/memory> clone",
        "59  init  moveMount     <sys/fs/cgroup/memory> on <rootfs>/sys/fs/cgroup/memory",
        "60  init  openTree      /sys/fs/cgroup/devices/vitrine/bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb as <sys/fs/cgroup/devices> clone",
        "61  init  moveMount     <sys/fs/cgroup/devices> on <rootfs>/sys/fs/cgroup/devices",
        "62  init  openTree      /sys/fs/cgroup/freezer/vitrine/bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb as <sys/fs/cgroup/freezer> clone",
        "63  init  moveMount     <sys/fs/cgroup/freezer> on <rootfs>/sys/fs/cgroup/freezer",
        "64  init  openTree      /sys/fs/cgroup/blkio/vitrine/bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb as <sys/fs/cgroup/blkio> clone",
        "65  init  moveMount     <sys/fs/cgroup/blkio> on <rootfs>/sys/fs/cgroup/blkio",
        "66  init  openTree      /sys/fs/cgroup/pids/vitrine/bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb as <sys/fs/cgroup/pids> clone",
        "67  init  moveMount     <sys/fs/cgroup/pids> on <rootfs>/sys/fs/cgroup/pids",
        "68  init  mountSetattr  <sys/fs/cgroup> set nosuid,noexec,nodev,relatime,rdonly recursive",
      ]
    `);
    expect(planToText(cgroupPlan)).toMatchInlineSnapshot(`
      "make cgroups
       0  host  mkdir      /sys/fs/cgroup/cpu/vitrine/bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb 0755 with parents
       1  host  mkdir      /sys/fs/cgroup/cpuacct/vitrine/bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb 0755 with parents
       2  host  mkdir      /sys/fs/cgroup/cpuset/vitrine/bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb 0755 with parents
       3  host  mkdir      /sys/fs/cgroup/memory/vitrine/bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb 0755 with parents
       4  host  mkdir      /sys/fs/cgroup/devices/vitrine/bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb 0755 with parents
       5  host  mkdir      /sys/fs/cgroup/freezer/vitrine/bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb 0755 with parents
       6  host  mkdir      /sys/fs/cgroup/blkio/vitrine/bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb 0755 with parents
       7  host  mkdir      /sys/fs/cgroup/pids/vitrine/bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb 0755 with parents
       8  host  mkdir      /sys/fs/cgroup/unified/vitrine/bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb 0755 with parents
       9  host  writeFile  /sys/fs/cgroup/cpuset/vitrine/cpuset.cpus 3 bytes existing
      10  host  writeFile  /sys/fs/cgroup/cpuset/vitrine/cpuset.mems 1 bytes existing
      11  host  writeFile  /sys/fs/cgroup/cpuset/vitrine/bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb/cpuset.cpus 3 bytes existing
      12  host  writeFile  /sys/fs/cgroup/cpuset/vitrine/bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb/cpuset.mems 1 bytes existing
      13  host  writeFile  /sys/fs/cgroup/devices/vitrine/bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb/devices.deny 1 bytes existing
      14  host  writeFile  /sys/fs/cgroup/devices/vitrine/bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb/devices.allow 7 bytes existing
      15  host  writeFile  /sys/fs/cgroup/devices/vitrine/bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb/devices.allow 7 bytes existing
      16  host  writeFile  /sys/fs/cgroup/devices/vitrine/bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb/devices.allow 9 bytes existing
      17  host  writeFile  /sys/fs/cgroup/devices/vitrine/bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb/devices.allow 9 bytes existing
      18  host  writeFile  /sys/fs/cgroup/devices/vitrine/bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb/devices.allow 9 bytes existing
      19  host  writeFile  /sys/fs/cgroup/devices/vitrine/bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb/devices.allow 9 bytes existing
      20  host  writeFile  /sys/fs/cgroup/devices/vitrine/bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb/devices.allow 9 bytes existing
      21  host  writeFile  /sys/fs/cgroup/devices/vitrine/bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb/devices.allow 9 bytes existing
      22  host  writeFile  /sys/fs/cgroup/devices/vitrine/bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb/devices.allow 9 bytes existing
      23  host  writeFile  /sys/fs/cgroup/devices/vitrine/bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb/devices.allow 9 bytes existing
      24  host  writeFile  /sys/fs/cgroup/devices/vitrine/bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb/devices.allow 11 bytes existing"
    `);
  });

  it("drops to a user, with a filter that is loaded last", async () => {
    const { plan } = await container({
      config: containerConfig({
        linux: {
          securityContext: containerSecurity({
            runAsUsername: "app",
            readonlyRootfs: true,
            seccomp: { profileType: "RuntimeDefault", localhostRef: "" },
            maskedPaths: ["/proc/kcore"],
            readonlyPaths: ["/proc/sys"],
            capabilities: {
              addCapabilities: ["net_admin"],
              dropCapabilities: ["ALL"],
              addAmbientCapabilities: [],
            },
          }),
        },
      }),
    });
    const text = planToText(plan).split("\n");
    const pivot = text.findIndex((line) => line.includes("pivotRoot"));
    expect(text.slice(pivot - 1).join("\n")).toMatchInlineSnapshot(`
      "42  init  mountSetattr  <rootfs> set rdonly
      43  init  pivotRoot     <rootfs>
      44  init  maskPath      /proc/kcore
      45  init  readonlyPath  /proc/sys
      46  init  oomScoreAdj   0
      47  init  umask         0022
      48  init  chdir         /
      49  init  capBounding   keep net_admin
      50  init  chown         <stdin> owner 1000:-1  (ignore EPERM EINVAL EROFS)
      51  init  chown         <stdout> owner 1000:-1  (ignore EPERM EINVAL EROFS)
      52  init  chown         <stderr> owner 1000:-1  (ignore EPERM EINVAL EROFS)
      53  init  setgroups     1000,2000
      54  init  setresgid     1000
      55  init  keepCaps      on
      56  init  setresuid     1000
      57  init  capset        effective net_admin,sys_admin permitted net_admin,sys_admin inheritable none ambient none
      58  init  awaitStart
      59  init  closeRange    from 3
      60  init  seccomp       10 instructions
      61  init  execve        /server argv [/server] env PATH,HOSTNAME,HOME"
    `);
  });

  it("takes mounts that stay tied to the host before it cuts the ties", async () => {
    const { plan, spec } = await container({
      config: containerConfig({
        mounts: [
          mount({ containerPath: "/deep/er/one", hostPath: "/data" }),
          mount({
            containerPath: "/slave",
            hostPath: "/data.link",
            propagation: "PROPAGATION_HOST_TO_CONTAINER",
            readonly: true,
          }),
          mount({
            containerPath: "/rro",
            hostPath: "/data",
            readonly: true,
            recursiveReadOnly: true,
          }),
        ],
      }),
    });
    expect(spec.linux.rootfsPropagation).toBe("rslave");
    const lines = planToText(plan)
      .split("\n")
      .filter((line) => /propagate|deep|slave|rro/.test(line));
    expect(lines).toMatchInlineSnapshot(`
      [
        " 6  init  openTree      /data as <slave> clone recursive",
        " 7  init  mountSetattr  <slave> slave recursive",
        " 8  init  mountSetattr  <slave> set rdonly",
        " 9  init  propagate     / private recursive",
        "26  init  moveMount     <slave> on <rootfs>/slave create directory",
        "27  init  openTree      /data as <rro> clone recursive",
        "28  init  mountSetattr  <rro> set rdonly recursive",
        "29  init  moveMount     <rro> on <rootfs>/rro create directory",
        "44  init  openTree      /data as <deep/er/one> clone recursive",
        "45  init  moveMount     <deep/er/one> on <rootfs>/deep/er/one create directory",
      ]
    `);
  });

  it("gives a privileged container everything, in a privileged pod only", async () => {
    const config = containerConfig({
      linux: {
        securityContext: containerSecurity({
          privileged: true,
          maskedPaths: ["/proc/kcore"],
          readonlyPaths: ["/proc/sys"],
          seccomp: { profileType: "RuntimeDefault", localhostRef: "" },
        }),
      },
    });
    await expect(container({ config })).rejects.toThrow("not privileged");
    const securityContext = sandboxSecurity({ privileged: true });
    const pod = podConfig({ linux: { cgroupParent: "", sysctls: {}, securityContext } });
    const { plan, spec } = await container({ config, pod });
    expect(spec.process.capabilities.bounding).toHaveLength(41);
    expect(spec.linux.maskedPaths).toEqual([]);
    expect(spec.linux.seccomp).toBeUndefined();
    expect(spec.linux.resources.devices).toEqual([{ allow: true, type: "a", access: "rwm" }]);
    expect(ops(plan, "mknod").slice(-3)).toMatchInlineSnapshot(`
      [
        "19  init  mknod        <dev>/fuse char 10:229 0600 owner 0:0",
        "21  init  mknod        <dev>/net/tun char 10:200 0666 owner 0:0",
        "22  init  mknod        <dev>/vda block 254:0 0660 owner 0:6",
      ]
    `);
    expect(ops(plan, "fsmount").filter((line) => line.includes("sys"))).toMatchInlineSnapshot(`
      [
        "24  init  fsmount      sysfs as <sys> nosuid,noexec,nodev",
        "38  init  fsmount      cgroup2 as <sys/fs/cgroup> nosuid,noexec,nodev,relatime",
      ]
    `);
  });

  it("shares no list with another container made from the same image", async () => {
    const image = { Entrypoint: ["/server"], Env: ["A=1"] };
    const first = await container({ image });
    const second = await container({ image });
    expect(first.spec.process.env).not.toBe(second.spec.process.env);
    expect(first.spec.process.args).not.toBe(image.Entrypoint);
  });

  it("is JSON and back without loss", async () => {
    const { spec } = await container();
    expect(JSON.parse(JSON.stringify(spec))).toEqual(spec);
  });

  it("says when the pause process is not protected as it should be", async () => {
    const facts = hostFacts({ capabilities: ["CAP_SYS_ADMIN"] });
    expect((await sandbox({ facts })).warnings).toEqual([
      "oom_score_adj -998 needs CAP_SYS_RESOURCE, which the runtime has not got",
    ]);
  });
});

describe("compileExec", () => {
  it("enters the container's namespaces all at once", async () => {
    const { spec } = await container();
    const { plan } = compileExec({
      facts: hostFacts(),
      spec,
      args: ["ls", "-l"],
      terminal: false,
      target: { pid: 4100, startTime: 99 },
    });
    expect(planToText(plan)).toMatchInlineSnapshot(`
      "exec
       0  oci   open         /sys/fs/cgroup/vitrine/bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb path,directory as <cgroup>
       1  oci   pidfdOpen    pid 4100 as <container>
       2  oci   setns        <container> mnt,net,uts,ipc,pid,cgroup
       3  oci   clone3       exec new none cgroup <cgroup>
       4  exec  setsid
       5  exec  umask        0022
       6  exec  chdir        /
       7  exec  capBounding  keep 14 capabilities
       8  exec  setgroups    0
       9  exec  setresgid    0
      10  exec  setresuid    0
      11  exec  capset       effective 14 capabilities permitted 14 capabilities inheritable none ambient none
      12  exec  closeRange   from 3
      13  exec  execve       ls argv [ls -l] env PATH,HOSTNAME,HOME"
    `);
  });

  it("refuses no command", async () => {
    const { spec } = await container();
    const target = { pid: 1, startTime: 0 };
    const request = { facts: hostFacts(), spec, args: [], terminal: false, target };
    expect(() => compileExec(request)).toThrow("no command");
  });
});
