/** What nginx's image has above Debian: the server, its pages and configuration, and a start script. */
import { type Blob, buildLayer, filler, type RunConfig } from "./image-builder.ts";

const welcome = `<!DOCTYPE html>
<html>
<head>
<title>Welcome to nginx!</title>
</head>
<body>
<h1>Welcome to nginx!</h1>
<p>If you see this page, nginx is successfully installed and working.
Further configuration is required.</p>
<p><em>Thank you for using nginx.</em></p>
</body>
</html>
`;

const serverError =
  "<!DOCTYPE html>\n<html><head><title>Error</title></head><body><h1>An error occurred.</h1></body></html>\n";

const configuration = `user  nginx;
worker_processes  auto;
error_log  /var/log/nginx/error.log notice;
pid        /run/nginx.pid;
events { worker_connections  1024; }
http {
    include       /etc/nginx/mime.types;
    default_type  application/octet-stream;
    access_log  /var/log/nginx/access.log  main;
    include /etc/nginx/conf.d/*.conf;
}
`;

const site = `server {
    listen       80;
    server_name  localhost;
    location / {
        root   /usr/share/nginx/html;
        index  index.html index.htm;
    }
}
`;

const entrypoint = `#!/bin/sh
# vim:sw=4:ts=4:et

set -e

echo "$0: Configuration complete; ready for start up"
exec "$@"
`;

/** Above the base layer, lowest first. The last one takes a file of the one below away, as image builds do. */
export function nginxLayers(): readonly Blob[] {
  return [
    buildLayer([
      { path: "etc/nginx/" },
      { path: "etc/nginx/conf.d/" },
      { path: "etc/nginx/conf.d/default.conf", content: site },
      { path: "etc/nginx/conf.d/example_ssl.conf", content: "# an example\n" },
      { path: "etc/nginx/mime.types", content: "types { text/html html htm; text/css css; }\n" },
      { path: "etc/nginx/nginx.conf", content: configuration },
      { path: "usr/lib/" },
      { path: "usr/lib/nginx/" },
      { path: "usr/lib/nginx/libpcre2-8.so.0", content: filler("pcre2", 128 * 1024) },
      { path: "usr/sbin/nginx", program: "nginx" },
      { path: "usr/share/" },
      { path: "usr/share/nginx/" },
      { path: "usr/share/nginx/html/" },
      { path: "usr/share/nginx/html/index.html", content: welcome },
      { path: "usr/share/nginx/html/50x.html", content: serverError },
      { path: "var/cache/" },
      { path: "var/cache/nginx/" },
      { path: "var/log/nginx/" },
      { path: "var/log/nginx/access.log", type: "symlink", target: "/dev/stdout" },
      { path: "var/log/nginx/error.log", type: "symlink", target: "/dev/stderr" },
    ]),
    buildLayer([
      { path: "docker-entrypoint.d/" },
      { path: "docker-entrypoint.sh", content: entrypoint, mode: 0o775 },
    ]),
    buildLayer([{ path: "etc/nginx/conf.d/.wh.example_ssl.conf" }]),
  ];
}

export const nginxConfig: RunConfig = {
  ExposedPorts: { "80/tcp": {} },
  Env: [
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "NGINX_VERSION=1.29.1",
  ],
  Entrypoint: ["/docker-entrypoint.sh"],
  Cmd: ["nginx", "-g", "daemon off;"],
  StopSignal: "SIGQUIT",
};
