/** The worker of this server's sentinel: started by the watcher. */
import { CastellanError } from "@castellan/kernel";
import type { Run } from "../invocation.ts";

export const run: Run<[{ readonly rejoin?: boolean }]> = () =>
  Promise.reject(new CastellanError("NOT_YET", "the worker is not there yet"));
