/** `npm run build`: the native part and the page. */
import { buildNative, buildWeb } from "./prepare.ts";

buildNative();
buildWeb();
