/** What the processes of this server print, read from their files: works with no sentinel running. */
export { type OutputPart, outputFileOf, readOutputPart } from "@castellan/sentinel/output";
