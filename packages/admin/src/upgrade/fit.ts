/** How a program and the schema it meets stand to each other: `ahead` = a newer program has migrated it, and this one can go on. */
export type Fit = "empty" | "older" | "same" | "ahead" | "too-new";
