import type { Metadata, Viewport } from "next";
import type { ReactNode } from "react";
import "./styles/tokens.css";
import "./styles/frame.css";
import "./styles/stage.css";
import "./styles/side.css";
import "./styles/narrow.css";

export const metadata: Metadata = {
  title: "Vitrine",
  description: "How a pod comes to life, arrow by arrow",
  icons: [],
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
