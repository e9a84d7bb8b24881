import { describe, expect, it } from "vitest";
import { everyOp } from "./fixture/every-op.ts";
import { opToText, planToText } from "./plan-text.ts";

describe("a Plan as text", () => {
  it("is one line an op, aligned, whatever the op", () => {
    const plan = {
      name: "every op",
      steps: everyOp.map((op) => ({ process: "init" as const, op })),
    };
    expect(planToText(plan)).toMatchInlineSnapshot(`
      "every op
       0  init  clone3             init new mnt,pid cgroup <cgroup>
       1  init  unshare            net
       2  init  setns              <target> mnt,ipc,uts,user,cgroup,time
       3  init  pidfdOpen          pid 4711 as <target>
       4  init  idMap              init uid 0=100000+65536 gid 0=200000+65536
       5  init  await              network
       6  init  release            network
       7  init  awaitStart
       8  init  setsid
       9  init  console            in <rootfs> 80x24
      10  init  closeRange         from 3 but <start>
      11  init  execve             sh argv [sh -c "echo hi there"] env PATH,TOKEN,BARE
      12  init  open               <rootfs>/etc/passwd rdonly,nofollow,nonblock as <passwd>
      13  init  close              <passwd>
      14  init  mkdir              <rootfs>/run/x 1777 owner 1000:1001 with parents
      15  init  mknod              <dev>/null char 1:3 0666 owner 0:5
      16  init  symlink            <dev>/fd -> /proc/self/fd
      17  init  writeFile          <rootfs>/etc/hosts 18 bytes create 0644
      18  init  chmod              <rootfs>/tmp 1777
      19  init  chown              <stdout> owner 1000:1000
      20  init  unlink             <rootfs>/old
      21  init  rmdir              <rootfs>/old.d
      22  init  removeTree         <rootfs>/cache
      23  init  rename             <rootfs>/a to /b
      24  init  copyTree           <rootfs>/image to /volume
      25  init  mount              tmpfs on /run/vitrine/pods/p/shm nosuid,nodev,noexec data size=64m,mode=1777
      26  init  fsmount            overlay as <rootfs> rdonly,noatime,relatime,strictatime,nodiratime,nosymfollow lowerdir+=/lower volatile
      27  init  openTree           <volume>/sub as <data> clone recursive
      28  init  mountSetattr       <data> set rdonly clear noexec slave idmap <userns> recursive
      29  init  moveMount          <data> on <rootfs>/data create directory ordinary
      30  init  propagate          <rootfs>/ unbindable recursive
      31  init  pivotRoot          <rootfs>
      32  init  chroot             <rootfs>
      33  init  umount             /run/netns/x detach
      34  init  maskPath           /proc/keys
      35  init  readonlyPath       /proc/sys
      36  init  sethostname        web-0
      37  init  setdomainname      example
      38  init  sysctl             net.ipv4.ip_forward = 1
      39  init  linkUp             lo
      40  init  rlimit             nofile soft 1024 hard unlimited
      41  init  oomScoreAdj        -998 clamp
      42  init  umask              0022
      43  init  chdir              "/work dir" create
      44  init  setgroups          0,1000,4294967294
      45  init  setresgid          1000
      46  init  setresuid          1000
      47  init  keepCaps           on
      48  init  capBounding        keep chown,checkpoint_restore
      49  init  capset             effective chown permitted chown,kill inheritable none ambient none
      50  init  noNewPrivs
      51  init  dumpable           off
      52  init  parentDeathSignal  9
      53  init  cgroupJoin         /sys/fs/cgroup/memory/kubepods/p
      54  init  deviceFilter       /sys/fs/cgroup/kubepods/p 2 instructions
      55  init  apparmor           vitrine-default
      56  init  selinux            system_u:system_r:container_t:s0:c1,c2
      57  init  seccomp            2 instructions log,specAllow,tsync"
    `);
  });

  it("says which errnos are ignored and which process runs an op", () => {
    const plan = {
      name: "cleanup",
      steps: [
        {
          process: "host",
          op: { op: "umount", path: "/m", detach: false },
          ignore: ["ENOENT", "EINVAL"],
        },
        { process: "oci", op: { op: "unshare", namespaces: [] } },
      ],
    } as const;
    expect(planToText(plan)).toBe(
      ["cleanup", "0  host  umount   /m  (ignore ENOENT EINVAL)", "1  oci   unshare  none"].join(
        "\n",
      ),
    );
    expect(planToText({ name: "nothing", steps: [] })).toBe("nothing");
  });

  it("keeps secrets and line breaks out", () => {
    expect(everyOp.map(opToText).join("\n")).not.toContain("hunter2");
    expect(opToText({ op: "chdir", path: "/a\nb" })).toBe('chdir "/a\\nb"');
    expect(opToText({ op: "sethostname", name: "" })).toBe('sethostname ""');
  });
});
