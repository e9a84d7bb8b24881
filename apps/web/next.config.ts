import { join } from "node:path";
import type { NextConfig } from "next";

/** One page, built once and served by server.ts; the runtime package is TypeScript as it stands. */
const config: NextConfig = {
  transpilePackages: ["@vitrine/runtime"],
  turbopack: { root: join(import.meta.dirname, "../..") },
  poweredByHeader: false,
  reactStrictMode: true,
  devIndicators: false,
  // server.ts holds every static file in memory and compresses none: the page travels over loopback only.
  compress: false,
  images: { unoptimized: true },
};

export default config;
