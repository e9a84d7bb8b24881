import { beforeEach, describe, expect, test } from "vitest";
import type { Machine } from "../machine.ts";
import { putFile } from "../vfs/put-file.ts";
import { executableContent } from "./program.ts";
import { programBed, runShell } from "./program-bed.ts";

let machine: Machine;
const run = (text: string) => runShell(machine, text);
const sh = (text: string) => run(text).stdout;

beforeEach(() => {
  machine = programBed();
  const disk = machine.init.root.mount.fileSystem;
  for (const name of ["demo", "nginx"])
    putFile(disk, `/usr/bin/${name}`, executableContent(name), 0o755);
  run(
    "ip netns add a; ip link add br0 type bridge; ip link set br0 up; ip addr add 10.1.0.1/24 dev br0;" +
      "ip link add v0 type veth peer name eth0 netns a; ip link set v0 master br0 up;" +
      "ip netns exec a ip link set lo up; ip netns exec a ip link set eth0 up;" +
      "ip netns exec a ip addr add 10.1.0.2/24 dev eth0; ip netns exec a ip route add default via 10.1.0.1",
  );
});

describe("ip", () => {
  test("shows what iproute2 shows", () => {
    expect(sh("ip netns exec a ip addr show lo")).toBe(
      "1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN group default qlen 1000\n" +
        "    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00\n" +
        "    inet 127.0.0.1/8 scope host lo\n       valid_lft forever preferred_lft forever\n" +
        "    inet6 ::1/128 scope host \n       valid_lft forever preferred_lft forever\n",
    );
    expect(sh("ip link show v0")).toMatch(
      /^4: v0@if2: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue master br0 state UP mode DEFAULT group default qlen 1000\n {4}link\/ether ([0-9a-f]{2}:){5}[0-9a-f]{2} brd ff:ff:ff:ff:ff:ff link-netnsid 0\n$/,
    );
    expect(sh("ip netns exec a ip -br addr")).toBe(
      "lo               UNKNOWN        127.0.0.1/8 ::1/128 \neth0@if4         UP             10.1.0.2/24 \n",
    );
    expect(sh("ip netns exec a ip route get 8.8.8.8")).toBe(
      "8.8.8.8 via 10.1.0.1 dev eth0 src 10.1.0.2 uid 0 \n    cache \n",
    );
    sh("ip netns exec a ip link set eth0 down");
    expect(sh("ip -br link show v0")).toContain("LOWERLAYERDOWN");
    expect(sh("ip route")).toContain(
      "10.1.0.0/24 dev br0 proto kernel scope link src 10.1.0.1 linkdown \n",
    );
  });

  const complaints: [string, string, number][] = [
    ["ip link add br0 type bridge", "RTNETLINK answers: File exists", 2],
    ["ip link add q type frob", "Error: Unknown device type.", 2],
    ["ip link del lo", "RTNETLINK answers: Operation not supported", 2],
    ["ip link del nope", 'Cannot find device "nope"', 1],
    ["ip link set br0 master br0", "Error: Can not enslave a bridge to a bridge.", 2],
    ["ip addr add banana dev br0", 'Error: any valid prefix is expected rather than "banana".', 1],
    ["ip addr add 10.1.0.1/24 dev br0", "Error: ipv4: Address already assigned.", 2],
    ["ip addr del 10.9.0.1/24 dev br0", "Error: ipv4: Address not found.", 2],
    ["ip route add default via 10.6.0.9", "Error: Nexthop has invalid gateway.", 2],
    ["ip route add 1.2.3.4/24 dev br0", "Error: Invalid prefix for given prefix length.", 2],
    ["ip route del 10.77.0.0/16", "RTNETLINK answers: No such process", 2],
    ["ip link set", 'Not enough information: "dev" argument is required.', 255],
    ["ip frob", 'Object "frob" is unknown, try "ip help".', 1],
  ];
  test.each(complaints)("%s", (text, said, code) => {
    expect(run(text)).toMatchObject({ stderr: `${said}\n`, code });
  });
});

describe("ping", () => {
  test("answers, silence, no way", () => {
    expect(sh("ping -c 2 10.1.0.2")).toMatch(
      /^PING 10\.1\.0\.2 \(10\.1\.0\.2\): 56 data bytes\n64 bytes from 10\.1\.0\.2: seq=0 ttl=64 time=0\.\d{3} ms\n64 bytes from 10\.1\.0\.2: seq=1 .*\n\n--- 10\.1\.0\.2 ping statistics ---\n2 packets transmitted, 2 packets received, 0% packet loss\nround-trip min\/avg\/max = /,
    );
    expect(run("ping -c 1 -W 1 10.1.0.9")).toMatchObject({
      code: 1,
      stdout: expect.stringContaining(
        "1 packets transmitted, 0 packets received, 100% packet loss\n",
      ),
    });
    expect(
      run("ip netns exec a ip route del default; ip netns exec a ping -c 1 8.8.8.8").stderr,
    ).toBe("ping: sendto: Network is unreachable\n");
    expect(run("ping -c 1 nope.invalid").stderr).toBe("ping: bad address 'nope.invalid'\n");
  });
});

describe("wget and httpd", () => {
  beforeEach(() => {
    run(
      "mkdir -p /www/sub; echo hi >/www/index.html; echo two >/www/sub/two.txt; ip netns exec a httpd -p 80 -h /www",
    );
  });

  test("to stdout, to a file, what is there, what is not", () => {
    expect(run("wget -O - http://10.1.0.2/")).toEqual({
      code: 0,
      stdout: "hi\n",
      stderr:
        "Connecting to 10.1.0.2 (10.1.0.2:80)\nwriting to stdout\n" +
        "-                    100% |********************************|     3  0:00:00 ETA\nwritten to stdout\n",
    });
    expect(
      run(
        "cd /tmp; wget -q http://10.1.0.2/sub/two.txt; cat two.txt; wget -q http://10.1.0.2/sub/two.txt",
      ),
    ).toEqual({ code: 1, stdout: "two\n", stderr: "wget: can't open 'two.txt': File exists\n" });
    expect(run("wget -q -O - http://10.1.0.2/nope").stderr).toBe(
      "wget: server returned error: HTTP/1.1 404 Not Found\n",
    );
    expect(run("wget -q -O - http://10.1.0.2/../etc/passwd").code).toBe(1);
    expect(run("wget -q -O - http://10.1.0.2:81/").stderr).toBe(
      "wget: can't connect to remote host (10.1.0.2): Connection refused\n",
    );
    expect(run("wget -q -O - http://10.1.0.9/").stderr).toBe(
      "wget: can't connect to remote host (10.1.0.9): No route to host\n",
    );
    expect(run("wget -q -T 5 -O - http://203.0.113.99/").stderr).toBe("wget: download timed out\n");
    expect(run("ip netns exec a httpd -f -p 80").stderr).toBe(
      "httpd: bind: Address already in use\n",
    );
  });

  test("names come from /etc/hosts and from the resolver", () => {
    expect(sh("echo 10.1.0.2 web >>/etc/hosts; wget -q -O - http://web/")).toBe("hi\n");
    expect(sh("wget -q -O - http://example.com/")).toContain("Example Domain");
    expect(sh("nslookup example.com")).toBe(
      "Server:\t\t192.0.2.53\nAddress:\t192.0.2.53:53\n\nNon-authoritative answer:\nName:\texample.com\nAddress: 203.0.113.80\n\n",
    );
    expect(run("nslookup nope.example")).toMatchObject({
      code: 1,
      stdout: expect.stringContaining("** server can't find nope.example: NXDOMAIN"),
    });
    expect(run("nslookup x 10.1.0.2").stderr).toBe(
      "nslookup: write to '10.1.0.2': Connection refused\n",
    );
  });
});

describe("the demo program", () => {
  test("serves, fetches, and says what is wrong", () => {
    run("ip netns exec a demo serve 8080 >/served & sleep 1");
    expect(run("demo fetch http://10.1.0.2:8080/ 2")).toEqual({
      code: 0,
      stdout:
        "200: Hello 10.1.0.1, this is vitrine-sim, request 1.\n200: Hello 10.1.0.1, this is vitrine-sim, request 2.\n",
      stderr: "",
    });
    expect(sh("cat /served")).toBe(
      "serving HTTP on port 8080\n10.1.0.1 asked: GET / HTTP/1.1\n10.1.0.1 asked: GET / HTTP/1.1\n",
    );
    expect(run("demo fetch http://10.1.0.2:1/ 1")).toMatchObject({
      code: 1,
      stdout: "10.1.0.2 port 1: Connection refused\n",
    });
    expect(run("demo fetch x").stderr).toBe("vitrine-demo: x does not begin with http://\n");
    expect(run("demo fetch http://name/").stderr).toBe(
      "vitrine-demo: name is no address; names are not looked up\n",
    );
    expect(run("demo serve 0").stderr).toBe("vitrine-demo: 0 is no number from 1 to 65535\n");
    expect(run("demo").code).toBe(2);
  });

  test("ends with 0 at SIGTERM", () => {
    expect(sh("demo sleep & sleep 1; kill $!; wait $!; echo $?")).toBe("0\n");
  });
});

test("nginx serves its pages, logs, and ends at SIGQUIT", () => {
  run("mkdir -p /usr/share/nginx/html; echo page >/usr/share/nginx/html/index.html");
  expect(
    sh(
      "nginx >/access 2>/errors & sleep 1; wget -q -O - http://127.0.0.1/; kill -QUIT $!; wait $!; echo $?",
    ),
  ).toBe("page\n0\n");
  expect(sh("cat /access")).toMatch(
    /^127\.0\.0\.1 - - \[01\/Jan\/2026:.*\] "GET \/ HTTP\/1\.1" 200 5 "-" "Wget" "-"\n$/,
  );
  expect(sh("cat /errors")).toContain("[notice]");
});

test("nc talks", () => {
  expect(
    sh("nc -l -p 99 >/heard & sleep 1; echo hello | nc -w 3 127.0.0.1 99; cat /heard"),
  ).toContain("hello\n");
});
