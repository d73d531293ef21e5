/** The watcher of this server's sentinel: started by `up` and by the worker. */
import { CastellanError } from "@castellan/kernel";
import type { Run } from "../invocation.ts";

export const run: Run<[{ readonly rejoin?: boolean }]> = () =>
  Promise.reject(new CastellanError("NOT_YET", "the watcher is not there yet"));
