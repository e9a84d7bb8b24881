import { join } from "node:path";

/**
 * One page, built once and served by server.ts; the runtime package is TypeScript as it stands.
 * @type {import("next").NextConfig}
 */
const config = {
  transpilePackages: ["@vitrine/runtime"],
  turbopack: { root: join(import.meta.dirname, "../..") },
  // `npm run check` does it, with the tests of the page.
  typescript: { ignoreBuildErrors: true },
  poweredByHeader: false,
  reactStrictMode: true,
  devIndicators: false,
  // server.ts holds every static file in memory and compresses none: the page travels over loopback only.
  compress: false,
  images: { unoptimized: true },
};

export default config;
