/** `castellan up`: see the daemon package. */
import { CastellanError } from "@castellan/kernel";
import type { Run } from "../invocation.ts";

export const run: Run<[{ readonly example?: string }]> = () =>
  Promise.reject(new CastellanError("NOT_YET", "`castellan up` is not there yet"));
