/** The door of those who only read what processes print: loads nothing of what keeps them. */
export { outputFileOf } from "./output-file.ts";
export { type OutputPart, readOutputPart } from "./output-part.ts";
