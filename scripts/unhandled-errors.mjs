/** Vitest's JSON report leaves out errors that belong to no test, and they fail a layer: this reporter writes them. */
import { writeFileSync } from "node:fs";

export default class {
  /** @param {{ stack?: string, message?: string }[]} errors */
  onTestRunEnd(_modules, errors) {
    const file = process.env.CASTELLAN_UNHANDLED_ERRORS;
    if (file !== undefined && errors.length > 0) {
      writeFileSync(file, errors.map(({ stack, message }) => stack ?? message ?? "?").join("\n"));
    }
  }
}
