/** A size in a configuration file: text as people write it, bytes once parsed. */
import { CastellanError, parseSize } from "@castellan/kernel";
import { z } from "zod";

/** Not below `least`; `leastText` is how people write that. */
export const sizeFrom = (least: number, leastText: string) =>
  z
    .union([
      z.int(),
      z.string().transform((text, context) => {
        try {
          return parseSize(text);
        } catch (thrown) {
          context.addIssue({
            code: "custom",
            message: thrown instanceof CastellanError ? thrown.message : "not a size",
          });
          return z.NEVER;
        }
      }),
    ])
    .refine((bytes) => bytes >= least, `must be at least ${leastText}`);
