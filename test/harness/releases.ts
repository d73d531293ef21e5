/** Releases that a node may be upgraded from, by the commit that was released: a test builds such a program from there. */
export const releases = {
  "0.1.0": "8a381bcdbf6c163a954f23e68c879b7a849219ff",
} as const;
