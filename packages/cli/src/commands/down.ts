/** `castellan down`: see the daemon package. */
import { CastellanError } from "@castellan/kernel";
import type { Run } from "../invocation.ts";

export const run: Run = () => Promise.reject(new CastellanError("NOT_YET", "`castellan down` is not there yet"));
