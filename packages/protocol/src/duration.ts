/** A duration as people write it (`30s`, `4h`), as milliseconds once parsed. */
import { CastellanError, parseDuration } from "@castellan/kernel";
import { z } from "zod";

export const duration = z.string().transform((text, context) => {
  try {
    return parseDuration(text);
  } catch (thrown) {
    context.addIssue({ code: "custom", message: thrown instanceof CastellanError ? thrown.message : "not a duration" });
    return z.NEVER;
  }
});
