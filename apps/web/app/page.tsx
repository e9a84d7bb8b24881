import { connection } from "next/server";
import { Dashboard } from "../view/dashboard.tsx";

/** Rendered at each request: the inline scripts need the nonce of that request's security policy. */
export default async function Page() {
  await connection();
  // server.ts says what it has; the page itself reads nothing.
  const about = JSON.parse(process.env["VITRINE_PAGE"] ?? "{}") as {
    readonly live?: boolean;
    readonly recording?: string;
    readonly simulated?: boolean;
  };
  return (
    <Dashboard
      live={about.live === true}
      recording={about.recording}
      simulated={about.simulated === true}
    />
  );
}
