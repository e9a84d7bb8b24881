import type { Metadata, Viewport } from "next";
import type { ReactNode } from "react";
import "./styles/tokens.css";
import "./styles/frame.css";
import "./styles/stage.css";
import "./styles/side.css";
import "./styles/simulation.css";
import "./styles/narrow.css";

/** In the document itself, so that the browser asks for no /favicon.ico. */
const icon =
  "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 22 22'%3E%3Crect x='2.5' y='2.5' width='17' height='17' rx='3.5' fill='%23e2f0f5' stroke='%230a6c8f' stroke-width='1.5'/%3E%3Cpath d='M7 8h7.2m-2-2 2 2-2 2M15 14H7.8m2-2-2 2 2 2' fill='none' stroke='%230a6c8f' stroke-width='1.5'/%3E%3C/svg%3E";

export const metadata: Metadata = {
  title: "Vitrine",
  description: "How a pod comes to life, arrow by arrow",
  icons: [{ url: icon }],
};

export const viewport: Viewport = {
  width: "device-width",
  initialScale: 1,
  colorScheme: "light dark",
};

export default function Layout({ children }: { readonly children: ReactNode }) {
  return (
    <html lang="en" suppressHydrationWarning>
      <body>{children}</body>
    </html>
  );
}
